//! Each file says where generated code goes, so that plain `protoc` works for every language.

use prost_types::FileOptions;

use super::files;

fn expected() -> FileOptions {
    let text = |text: &str| Some(text.to_owned());
    FileOptions {
        csharp_namespace: text("MailingGroups.Api.V1"),
        go_package: text(
            "github.com/mailing-groups/mailing-groups/gen/go/mailinggroups/v1;mailinggroupsv1",
        ),
        java_multiple_files: Some(true),
        java_package: text("com.mailinggroups.v1"),
        objc_class_prefix: text("MG"),
        php_metadata_namespace: text(r"MailingGroups\V1\Metadata"),
        php_namespace: text(r"MailingGroups\V1"),
        ruby_package: text("MailingGroups::V1"),
        swift_prefix: text("MG"),
        ..FileOptions::default()
    }
}

/// `mailinggroups/v1/mailing_groups.proto` has the class `MailingGroupsProto`.
fn outer_class(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap().replace(".proto", "_proto");
    super::keywords::pascal(&name)
}

#[test]
fn every_file_has_the_options_of_all_languages() {
    for file in files() {
        let expected = FileOptions {
            java_outer_classname: Some(outer_class(file.name())),
            ..expected()
        };
        assert_eq!(file.options, Some(expected), "{}", file.name());
    }
}
