//! What is on its way to the service, and what is sent again when the connection breaks.

use std::collections::{BTreeMap, VecDeque};

use tokio::sync::mpsc;

use super::{
    super::{journal::Journal, ledger::Ledger, report::Tally, rows::Batch},
    Event, IN_FLIGHT, Upload,
};
use crate::client::error::Error;

/// An import under way.
pub(super) struct Flight<'a, T: Upload> {
    /// Where messages go; none between two streams.
    requests: Option<mpsc::Sender<T::Request>>,
    ledger: Ledger,
    journal: &'a mut Journal,
    /// Items that are not answered for, with the place of the first of each chunk.
    unanswered: VecDeque<(u64, Vec<T>)>,
    /// Whether the service has said how far the import is.
    is_open: bool,
    /// How far an earlier run has come: rows before it are read and not sent.
    resumed_at: u64,
    /// What an earlier run was refused, by place, until the rows are read.
    refused: BTreeMap<u64, String>,
    /// Rejections are known of the items before this one.
    known: u64,
    /// Whether all rows were read.
    is_complete: bool,
}

impl<'a, T: Upload> Flight<'a, T> {
    pub(super) fn new(journal: &'a mut Journal) -> Self {
        Self {
            requests: None,
            ledger: Ledger::default(),
            journal,
            unanswered: VecDeque::new(),
            is_open: false,
            resumed_at: 0,
            refused: BTreeMap::new(),
            known: 0,
            is_complete: false,
        }
    }

    /// Begins over a new stream.
    pub(super) fn open(&mut self, requests: mpsc::Sender<T::Request>, import_id: String) {
        self.requests = Some(requests);
        self.is_open = false;
        self.send(T::start(import_id, self.known));
    }

    /// Whether another chunk may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.is_open && !self.is_complete && self.ledger.chunks() < IN_FLIGHT
    }

    /// How many items' fates are known.
    pub(super) fn known(&self) -> u64 {
        self.known
    }

    /// How far it is, for people.
    pub(super) fn place(&self) -> String {
        format!("{} rows", self.known)
    }

    /// A failure to send is the end of the connection; the answers will say so.
    fn send(&mut self, request: T::Request) {
        if let Some(requests) = &self.requests {
            let _ = requests.try_send(request);
        }
    }

    /// Sends a batch, or as much of it as no earlier run has sent.
    pub(super) fn chunk(&mut self, batch: Batch<T>) -> Result<(), Error> {
        self.journal.unreadable(&batch.unreadable)?;
        if batch.items.is_empty() {
            return Ok(());
        }
        let from = self.ledger.total();
        self.ledger.sent(batch.rows);
        self.unanswered.push_back((from, batch.items));
        if from < self.resumed_at {
            self.skip()?;
        }
        if let Some((_, items)) = self.unanswered.back() {
            self.send(T::chunk(items.clone()));
        }
        Ok(())
    }

    /// Takes rows for answered that an earlier run has sent.
    fn skip(&mut self) -> Result<(), Error> {
        let upto = self.resumed_at.min(self.ledger.total());
        let later = self.refused.split_off(&upto);
        for (index, reason) in std::mem::replace(&mut self.refused, later) {
            let row = self.ledger.row(index).ok_or_else(|| out_of_place(index))?;
            self.journal.reject(row, &reason)?;
        }
        self.answered(upto, None)
    }

    /// Says that everything was sent.
    pub(super) fn finish(&mut self) {
        self.is_complete = true;
        self.send(T::finish());
    }

    /// Notes what the service says; the tally if that was its last word.
    pub(super) fn take(&mut self, event: Option<Event>) -> Result<Option<Tally>, Error> {
        match event {
            None => Ok(None),
            Some(Event::Rejection(index, reason)) => {
                self.reject(index, reason)?;
                Ok(None)
            }
            Some(Event::Progress(processed, tally)) if self.is_open => {
                self.answered(processed, Some(&tally))?;
                Ok(None)
            }
            Some(Event::Progress(processed, tally)) => {
                self.resume(processed, &tally)?;
                Ok(None)
            }
            Some(Event::Summary(processed, tally)) => {
                self.answered(processed, Some(&tally))?;
                match self.is_complete && processed == self.ledger.total() {
                    true => Ok(Some(tally)),
                    false => Err(out_of_place(processed)),
                }
            }
        }
    }

    /// The service is ready, and so far: what it does not have is sent again.
    fn resume(&mut self, processed: u64, tally: &Tally) -> Result<(), Error> {
        self.is_open = true;
        self.resumed_at = processed;
        self.answered(processed.min(self.ledger.total()), Some(tally))?;
        let again: Vec<_> = self
            .unanswered
            .iter()
            .map(|(_, items)| items.clone())
            .collect();
        again
            .into_iter()
            .for_each(|items| self.send(T::chunk(items)));
        if self.is_complete {
            self.send(T::finish());
        }
        Ok(())
    }

    fn reject(&mut self, index: u64, reason: String) -> Result<(), Error> {
        match self.ledger.row(index) {
            Some(row) => self.journal.reject(row, &reason)?,
            None if !self.is_open && index >= self.ledger.total() => {
                self.refused.insert(index, reason);
            }
            None => return Err(out_of_place(index)),
        }
        self.known = self.known.max(index + 1);
        Ok(())
    }

    /// Everything before this place is answered for.
    fn answered(&mut self, processed: u64, tally: Option<&Tally>) -> Result<(), Error> {
        let bytes = self.ledger.answered(processed);
        let bytes = bytes.ok_or_else(|| out_of_place(processed))?;
        while let Some((from, items)) = self.unanswered.front_mut() {
            let done = usize::try_from(processed.saturating_sub(*from)).unwrap_or(usize::MAX);
            if done < items.len() {
                items.drain(..done);
                *from += done as u64;
                break;
            }
            self.unanswered.pop_front();
        }
        self.known = self.known.max(processed);
        let committed = tally.map_or(self.journal.committed(), Tally::committed);
        self.journal.answered(committed, bytes);
        Ok(())
    }
}

fn out_of_place(index: u64) -> Error {
    Error::Protocol(format!(
        "it answered for item {index}, which is not in flight"
    ))
}
