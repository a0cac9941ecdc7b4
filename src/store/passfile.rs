//! Password files, as libpq reads them.

use std::{fs, io, os::unix::fs::PermissionsExt};

use tokio_postgres::config::{Config, Host};

use super::InvalidUrl;

/// The password that the file has for the first host, by the first line that fits.
pub(super) fn password(file: &str, config: &Config) -> Result<Option<String>, InvalidUrl> {
    let text = read(file).map_err(|error| InvalidUrl::file("passfile", file, error))?;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(directory)) => directory.display().to_string(),
        None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().unwrap_or(&5432).to_string();
    let user = config.get_user().unwrap_or_default();
    let database = config.get_dbname().unwrap_or(user);
    Ok(find(&text, [&host, &port, database, user]))
}

/// Refuses what others can read, as libpq ignores that.
fn read(file: &str) -> io::Result<String> {
    if fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
        return Err(io::Error::other(
            "others have access to it; run chmod 600 on it",
        ));
    }
    fs::read_to_string(file)
}

fn find(text: &str, wanted: [&str; 4]) -> Option<String> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.find_map(|line| {
        let mut fields = fields(line).into_iter();
        let fits = wanted
            .iter()
            .all(|wanted| fields.next().is_some_and(|it| it == "*" || it == *wanted));
        fields.next().filter(|_| fits)
    })
}

/// Splits a line at its colons. A backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![];
    let mut field = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' => fields.push(std::mem::take(&mut field)),
            '\\' => field.extend(characters.next()),
            _ => field.push(character),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let text = "# h:1:d:u:no\nh:1:other:u:no\nh:*:d:*:a\\:b\\\\c\n*:*:*:*:last\n";
        assert_eq!(find(text, ["h", "1", "d", "u"]), Some("a:b\\c".into()));
        assert_eq!(find(text, ["i", "1", "d", "u"]), Some("last".into()));
        assert_eq!(find("h:1:d:u", ["h", "1", "d", "u"]), None);
    }
}
