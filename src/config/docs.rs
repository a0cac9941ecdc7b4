//! Commands that describe the program: completions of shells, and man pages.

use std::{fs, io, path::PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;

/// Arguments of `completions`.
#[derive(Debug, Clone, Args)]
pub struct CompletionsOptions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsOptions {
    /// Prints the completions.
    ///
    /// # Errors
    ///
    /// If they cannot be printed.
    pub fn run(&self) -> io::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Cli::command(),
            "mailing-groups",
            &mut script,
        );
        // clap_complete spells a name with a hyphen in two ways in bash, so that nothing would be
        // completed after a command.
        let script = String::from_utf8_lossy(&script);
        let script = script.replace("mailing__subcmd__groups", "mailing__groups");
        io::Write::write_all(&mut io::stdout(), script.as_bytes())
    }
}

/// Arguments of `man`.
#[derive(Debug, Clone, Args)]
pub struct ManOptions {
    /// Write a page for each command into this directory, which is created if it is missing, instead
    /// of printing that of the program
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl ManOptions {
    /// Writes the pages.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    pub fn run(&self) -> io::Result<()> {
        match &self.folder {
            Some(folder) => fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
                .map_err(|error| io::Error::other(format!("{}: {error}", folder.display()))),
            None => clap_mangen::Man::new(Cli::command()).render(&mut io::stdout()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_man_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let man = ManOptions {
            folder: Some(folder.path().join("man")),
        };
        man.run().expect("written");
        for page in ["mailing-groups.1", "mailing-groups-import-contacts.1"] {
            assert!(folder.path().join("man").join(page).exists(), "{page}");
        }
    }
}
