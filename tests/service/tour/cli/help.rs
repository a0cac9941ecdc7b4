//! The help texts.

use crate::tour::service::run;

#[test]
fn every_command_has_a_help_with_description_and_arguments() {
    let imports = ["groups", "contacts", "memberships", "folder", "from"];
    let imports = imports.map(|what| format!("import {what}"));
    let commands = [
        "",
        "serve",
        "migrate",
        "check",
        "import",
        "export",
        "export folder",
        "count",
        "members",
        "segment",
        "tenant",
        "watch",
        "group list",
        "contact create",
        "assign",
        "unassign",
        "health",
        "whoami",
        "completions",
        "man",
    ];
    for command in commands.map(str::to_owned).into_iter().chain(imports) {
        let words = command.split_whitespace();
        let help = run(words.chain(["--help"]));
        assert_eq!(
            (help.code, help.stderr.as_str()),
            (Some(0), ""),
            "{command}"
        );
        let usage = format!("Usage: mailing-groups {command}");
        assert!(help.stdout.contains(usage.trim_end()), "{}", help.stdout);
        // A flag without a word on it.
        let lines: Vec<_> = help.stdout.lines().collect();
        for pair in lines.windows(2) {
            let flag = pair[0].trim_start().starts_with('-');
            let silent = flag && !pair[0].contains("   ") && pair[1].trim().is_empty();
            assert!(!silent, "{command}: {}", pair[0]);
        }
    }
    let version = run(["--version"]).stdout;
    assert_eq!(
        version.trim(),
        concat!("mailing-groups ", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn the_help_of_client_commands_has_exit_codes_and_examples() {
    for command in [
        "import",
        "import groups",
        "import folder",
        "import from",
        "export",
        "export folder",
        "count",
        "members",
        "segment",
        "tenant",
        "watch",
        "group",
        "contact",
        "assign",
        "unassign",
        "health",
        "whoami",
    ] {
        let help = run(command.split(' ').chain(["--help"])).stdout;
        assert!(
            help.contains("Example") && help.contains("Exit codes:"),
            "{help}"
        );
        assert!(
            help.contains("MAILING_GROUPS_") || ["import", "export"].contains(&command),
            "{help}"
        );
    }
}
