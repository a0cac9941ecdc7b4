//! Where members go: CSV or JSON lines, to stdout or to a file.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use tokio::sync::mpsc::Receiver;

use super::MemberView;
use crate::{
    client::{error::Error, rows, temporary},
    pb::{Contact, SegmentMember},
};

/// How members are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum MemberFormat {
    /// Comma-separated, with a header
    Csv,
    /// One JSON object per line
    Jsonl,
}

/// Where members go.
pub(super) enum MemberOutput {
    Stdout,
    /// A pipe or a device: written directly.
    Device(File, PathBuf),
    /// A file: written under a temporary name, which is changed when it is complete.
    Replacement(NamedTempFile, PathBuf),
}

impl MemberOutput {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Error> {
        match path {
            None => Ok(Self::Stdout),
            Some(path) => Self::named(path).map_err(|it| Error::file("write", path.display(), it)),
        }
    }

    fn named(path: &Path) -> io::Result<Self> {
        // A link is kept; its target is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if path.metadata().is_ok_and(|it| !it.is_file()) {
            return Ok(Self::Device(File::options().write(true).open(&path)?, path));
        }
        Ok(Self::Replacement(temporary::in_folder_of(&path)?, path))
    }

    /// Whether members are written under a temporary name.
    pub(super) fn is_file(&self) -> bool {
        match self {
            Self::Stdout | Self::Device(..) => false,
            Self::Replacement(..) => true,
        }
    }

    /// Writes pages until there are no more.
    pub(super) fn write(
        mut self,
        mut pages: Receiver<Vec<SegmentMember>>,
        format: MemberFormat,
        view: MemberView,
    ) -> Result<Self, Error> {
        let written = match &mut self {
            Self::Stdout => write_all(io::stdout(), &mut pages, format, view),
            Self::Device(file, _) => write_all(file, &mut pages, format, view),
            Self::Replacement(file, _) => write_all(file, &mut pages, format, view),
        };
        match written {
            Ok(()) => Ok(self),
            Err(error) => Err(Error::write(self.name(), error)),
        }
    }

    /// Completes the output: a file replaces the one of its name.
    pub(super) fn finish(self) -> Result<(), Error> {
        let name = self.name();
        match self {
            Self::Replacement(file, path) => {
                let placed = file.persist(path).map(drop);
                placed.map_err(|it| Error::file("write", name, it.error))
            }
            Self::Stdout | Self::Device(..) => Ok(()),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Stdout => "standard output".to_owned(),
            Self::Device(_, path) | Self::Replacement(_, path) => path.display().to_string(),
        }
    }
}

fn write_all(
    out: impl Write,
    pages: &mut Receiver<Vec<SegmentMember>>,
    format: MemberFormat,
    view: MemberView,
) -> io::Result<()> {
    match format {
        MemberFormat::Csv => write_csv(out, pages, view),
        MemberFormat::Jsonl => write_json(BufWriter::new(out), pages, view),
    }
}

fn write_csv(
    out: impl Write,
    pages: &mut Receiver<Vec<SegmentMember>>,
    view: MemberView,
) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    match view {
        MemberView::Ids => out.write_record(["contact_id"]),
        MemberView::Full => out.write_record(rows::CONTACT),
    }
    .map_err(rows::write_error)?;
    while let Some(members) = pages.blocking_recv() {
        for member in members {
            match view {
                MemberView::Ids => out.write_record([&member.contact_id]),
                MemberView::Full => {
                    let details = details(member);
                    let fields = rows::contact(&details);
                    out.write_record(fields.each_ref().map(AsRef::as_ref))
                }
            }
            .map_err(rows::write_error)?;
        }
        // Page by page, so that the next program in a pipe sees members as they arrive.
        out.flush()?;
    }
    out.flush()
}

fn write_json(
    mut out: impl Write,
    pages: &mut Receiver<Vec<SegmentMember>>,
    view: MemberView,
) -> io::Result<()> {
    while let Some(members) = pages.blocking_recv() {
        for member in members {
            match view {
                MemberView::Ids => {
                    let id = serde_json::json!({"contact_id": member.contact_id});
                    write!(out, "{id}")?;
                }
                MemberView::Full => {
                    serde_json::to_writer(&mut out, &JsonMember::from(&details(member)))?;
                }
            }
            out.write_all(b"\n")?;
        }
        out.flush()?;
    }
    out.flush()
}

/// A member as a JSON line.
#[derive(serde::Serialize)]
struct JsonMember<'a> {
    #[serde(flatten)]
    contact: rows::JsonContact<'a>,
    mailing_group_count: i64,
}

impl<'a> From<&'a Contact> for JsonMember<'a> {
    fn from(contact: &'a Contact) -> Self {
        Self {
            contact: contact.into(),
            mailing_group_count: contact.mailing_group_count,
        }
    }
}

/// The member's contact, or only its id if it came without details.
fn details(member: SegmentMember) -> Contact {
    let id = member.contact_id;
    member.contact.unwrap_or_else(|| Contact {
        id,
        ..Contact::default()
    })
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// A pipe whose reader is gone.
    struct ClosedPipe;

    impl Write for ClosedPipe {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_seen_in_every_format_however_much_is_written() {
        for format in [MemberFormat::Csv, MemberFormat::Jsonl] {
            for (view, count) in [(MemberView::Ids, 1), (MemberView::Full, 10_000)] {
                let (sender, mut pages) = mpsc::channel(1);
                let members = vec![SegmentMember::default(); count];
                sender.try_send(members).expect("room for a page");
                drop(sender);
                let written = write_all(ClosedPipe, &mut pages, format, view);
                let error = written.expect_err("a closed pipe");
                assert_eq!(
                    error.kind(),
                    io::ErrorKind::BrokenPipe,
                    "{format:?} {view:?}"
                );
            }
        }
    }
}
