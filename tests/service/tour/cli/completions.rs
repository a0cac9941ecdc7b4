//! The completions, in the shells that are installed.

use std::process::Command;

use crate::{support::scratch, tour::service::run};

/// What a shell offers after these words. The script has the completions in the file `$SCRIPT`, and
/// gets the words as its arguments.
fn offers(shell: &str, flags: &[&str], script: &str, words: &[&str]) -> Option<Vec<String>> {
    let folder = scratch();
    let file = folder.path().join("completions");
    let completions = run(["completions", shell]);
    assert_eq!(completions.code, Some(0), "{}", completions.stderr);
    std::fs::write(&file, completions.stdout).unwrap();
    let mut command = Command::new(shell);
    command.args(flags).args(["-c", script]);
    // The name of the script comes before its arguments, but not in fish.
    command.args((shell != "fish").then_some("completions"));
    command.args(words).env("SCRIPT", &file);
    command.env("HOME", folder.path());
    let done = match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        done => done.unwrap(),
    };
    assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{shell}");
    let offered = String::from_utf8(done.stdout).unwrap();
    Some(offered.lines().map(str::to_owned).collect())
}

/// As bash does it when the key is pressed after the last word.
const BASH: &str = r#"
    source "$SCRIPT"
    COMP_WORDS=(mailing-groups "$@") COMP_CWORD=$#
    complete=$(complete -p mailing-groups)
    [[ $complete =~ -F\ ([^ ]+) ]]
    ${BASH_REMATCH[1]} mailing-groups "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
    printf '%s\n' "${COMPREPLY[@]}"
"#;

#[test]
fn bash_completes_commands_flags_and_values() {
    let bash = |words: &[&str]| offers("bash", &["--norc"], BASH, words).unwrap();
    assert_eq!(bash(&["gr"]), ["group", "groups"]);
    assert_eq!(bash(&["contact", "up"]), ["update"]);
    assert_eq!(bash(&["tenant", "list", "--fo"]), ["--format"]);
    assert_eq!(bash(&["tenant", "list", "--format", ""]), ["table", "json"]);
    assert_eq!(bash(&["import", "contacts", "--format", "j"]), ["json"]);
}

#[test]
fn fish_and_zsh_complete_if_they_are_installed() {
    let fish = |words: &[&str]| {
        let script = "source $SCRIPT; complete -C \"mailing-groups $argv\"";
        offers("fish", &["--no-config"], script, words)
    };
    for (words, offered) in [
        (&["gr"][..], &["group", "groups"][..]),
        (&["tenant", "list", "--format", ""], &["json", "table"]),
    ] {
        let Some(lines) = fish(words) else {
            println!("there is no fish");
            break;
        };
        let names = lines.iter().map(|it| it.split('\t').next().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), offered);
    }
    let script =
        "autoload -U compinit; compinit -u -D; source $SCRIPT; print $_comps[mailing-groups]";
    match offers("zsh", &["-f"], script, &[]) {
        Some(function) => assert_eq!(function, ["_mailing-groups"]),
        None => println!("there is no zsh"),
    }
}
