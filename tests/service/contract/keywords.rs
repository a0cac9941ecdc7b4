//! No name is a reserved word of a language that clients are written in, in any of the spellings
//! that code generators use.

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    OneofDescriptorProto, ServiceDescriptorProto,
};

use super::{files, messages};

/// The reserved words of each language.
const KEYWORDS: [(&str, &str); 9] = [
    (
        "Python",
        "False None True and as assert async await break class continue def del elif else except \
         finally for from global if import in is lambda nonlocal not or pass raise return try \
         while with yield",
    ),
    (
        "Go",
        "break case chan const continue default defer else fallthrough for func go goto if import \
         interface map package range return select struct switch type var",
    ),
    (
        "Java",
        "abstract assert boolean break byte case catch char class const continue default do double \
         else enum extends false final finally float for goto if implements import instanceof int \
         interface long native new null package private protected public return short static \
         strictfp super switch synchronized this throw throws transient true try void volatile \
         while",
    ),
    (
        "Kotlin",
        "as break class continue do else false for fun if in interface is null object package \
         return super this throw true try typealias typeof val var when while",
    ),
    (
        "C#",
        "abstract as base bool break byte case catch char checked class const continue decimal \
         default delegate do double else enum event explicit extern false finally fixed float for \
         foreach goto if implicit in int interface internal is lock long namespace new null object \
         operator out override params private protected public readonly ref return sbyte sealed \
         short sizeof stackalloc static string struct switch this throw true try typeof uint ulong \
         unchecked unsafe ushort using virtual void volatile while",
    ),
    (
        "TypeScript",
        "arguments await break case catch class const continue debugger default delete do else \
         enum eval export extends false finally for function if implements import in instanceof \
         interface let new null package private protected public return static super switch this \
         throw true try typeof var void while with yield",
    ),
    (
        "Ruby",
        "BEGIN END alias and begin break case class def do else elsif end ensure false for if in \
         module next nil not or redo rescue retry return self super then true undef unless until \
         when while yield",
    ),
    (
        "PHP",
        "abstract and array as bool break callable case catch class clone const continue declare \
         default die do echo else elseif empty enddeclare endfor endforeach endif endswitch \
         endwhile enum eval exit extends false final finally float fn for foreach function global \
         goto if implements include include_once instanceof insteadof int interface isset iterable \
         list match mixed namespace never new null object or parent print private protected public \
         readonly require require_once return self static string switch throw trait true try unset \
         use var void while xor yield",
    ),
    (
        "Swift",
        "Any Protocol Self Type actor as associatedtype await break case catch class continue \
         default defer deinit do else enum extension fallthrough false fileprivate for func guard \
         if import in init inout internal is let nil operator precedencegroup private protocol \
         public repeat rethrows return self static struct subscript super switch throw throws true \
         try typealias var where while",
    ),
];

/// `mailing_group_count` as `MailingGroupCount`.
pub(super) fn pascal(name: &str) -> String {
    let capital = |word: &str| match word.chars().next() {
        Some(first) => first.to_uppercase().chain(word.chars().skip(1)).collect(),
        None => String::new(),
    };
    name.split('_').map(capital).collect()
}

/// `MailingGroupCount` as `mailingGroupCount`.
fn camel(name: &str) -> String {
    let name = pascal(name);
    name[..1].to_lowercase() + &name[1..]
}

/// `MailingGroup` as `mailing_group`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}

/// Members of objects: fields, oneofs and methods.
fn members(file: &FileDescriptorProto) -> Vec<String> {
    let messages = messages(file).into_iter().flat_map(|message| {
        let fields = message.field.iter().map(FieldDescriptorProto::name);
        fields.chain(message.oneof_decl.iter().map(OneofDescriptorProto::name))
    });
    let methods = file.service.iter().flat_map(|it| &it.method);
    let methods = methods.flat_map(|it| [it.name().to_owned(), snake(it.name())]);
    messages
        .map(str::to_owned)
        .chain(methods)
        .flat_map(|name| [camel(&name), pascal(&name), name])
        .collect()
}

/// Types: messages, enums and services. PHP does not tell cases of letters apart.
fn types(file: &FileDescriptorProto) -> Vec<String> {
    let messages = messages(file).into_iter().map(DescriptorProto::name);
    let services = file.service.iter().map(ServiceDescriptorProto::name);
    let enums = enums(file).into_iter().map(EnumDescriptorProto::name);
    messages
        .chain(services)
        .chain(enums)
        .flat_map(|name| [name.to_owned(), name.to_lowercase()])
        .collect()
}

fn enums(file: &FileDescriptorProto) -> Vec<&EnumDescriptorProto> {
    let nested = messages(file).into_iter().flat_map(|it| &it.enum_type);
    file.enum_type.iter().chain(nested).collect()
}

/// Values of enums: the whole name, and as C# has them, without the prefix. Swift has them in camel
/// case after a dot, where a keyword needs no escape.
fn values(file: &FileDescriptorProto) -> Vec<String> {
    let values = enums(file).into_iter().flat_map(|it| {
        let prefix = snake(it.name()).to_uppercase() + "_";
        let values = it.value.iter().map(|value| value.name().to_owned());
        values.flat_map(move |name| {
            let short = name.strip_prefix(&prefix).unwrap();
            [pascal(&short.to_lowercase()), short.to_owned(), name]
        })
    });
    values.collect()
}

#[test]
fn no_name_is_reserved_in_a_language_of_clients() {
    let files = files();
    let names = files.iter().flat_map(|file| {
        let names = [members(file), types(file), values(file)];
        names.into_iter().flatten()
    });
    let mut reserved = Vec::new();
    for name in names {
        let languages = KEYWORDS.iter().filter(|(_, words)| {
            let mut words = words.split_whitespace();
            words.any(|word| word == name)
        });
        reserved.extend(languages.map(|(language, _)| format!("{name} in {language}")));
    }
    assert_eq!(reserved, Vec::<String>::new());
}

#[test]
fn names_are_spelled_as_generators_spell_them() {
    assert_eq!(pascal("mailing_group_count"), "MailingGroupCount");
    assert_eq!(camel("mailing_group_count"), "mailingGroupCount");
    assert_eq!(snake("GoBack"), "go_back");
}
