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
    /// A pipe or a device: written to as it is.
    Device(File, PathBuf),
    /// A file: written beside its place and put there when complete.
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
        // A link stays a link: what it points to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if path.metadata().is_ok_and(|it| !it.is_file()) {
            return Ok(Self::Device(File::options().write(true).open(&path)?, path));
        }
        Ok(Self::Replacement(temporary::beside(&path)?, path))
    }

    /// Writes pages until there are no more. None: the reader of the output has left, which is
    /// its right.
    pub(super) fn write(
        mut self,
        mut pages: Receiver<Vec<SegmentMember>>,
        format: MemberFormat,
        view: MemberView,
    ) -> Result<Option<Self>, Error> {
        let written = match &mut self {
            Self::Stdout => write_all(io::stdout(), &mut pages, format, view),
            Self::Device(file, _) => write_all(file, &mut pages, format, view),
            Self::Replacement(file, _) => write_all(file, &mut pages, format, view),
        };
        match written {
            Ok(()) => Ok(Some(self)),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
            Err(error) => Err(Error::file("write", self.name(), error)),
        }
    }

    /// Everything was read: a file takes its place.
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
        MemberView::Ids => out.write_record(["contact_id"])?,
        MemberView::Full => out.write_record(rows::CONTACT)?,
    }
    while let Some(members) = pages.blocking_recv() {
        for member in members {
            match view {
                MemberView::Ids => out.write_record([&member.contact_id])?,
                MemberView::Full => out.write_record(rows::contact(&details(member)))?,
            }
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
                MemberView::Ids => write!(
                    out,
                    "{}",
                    serde_json::json!({"contact_id": member.contact_id})
                )?,
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
    id: &'a str,
    kind: &'a str,
    name: &'a str,
    company_id: &'a str,
    email: &'a str,
    exclude_from_segments: bool,
    privacy_blocked: bool,
    mailing_group_count: i32,
}

impl<'a> From<&'a Contact> for JsonMember<'a> {
    fn from(contact: &'a Contact) -> Self {
        Self {
            id: &contact.id,
            kind: rows::kind(contact),
            name: &contact.name,
            company_id: &contact.company_id,
            email: &contact.email,
            exclude_from_segments: contact.exclude_from_segments,
            privacy_blocked: contact.privacy_blocked,
            mailing_group_count: contact.mailing_group_count,
        }
    }
}

/// The member's contact; one that came without details has only its id.
fn details(member: SegmentMember) -> Contact {
    let id = member.contact_id;
    member.contact.unwrap_or_else(|| Contact {
        id,
        ..Contact::default()
    })
}
