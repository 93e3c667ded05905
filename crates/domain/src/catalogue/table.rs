//! Feeds as tables: tabs or commas, RFC 4180 quotes, names in the first line.

use std::io::BufRead;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::feed::FeedError;
use super::item::{Field, Item};
use super::refusal::{Reason, Refusal};
use super::{COLUMNS_MAX, ITEM_BYTES_MAX};

/// Room for a usual item; grows up to [`ITEM_BYTES_MAX`].
const ITEM_BYTES: usize = 16 << 10;

/// Reads items. Holds one at a time, however long the feed or a line of it is.
pub(super) struct Table<R> {
    input: R,
    reader: Reader,
    /// The line that is read next.
    line: u64,
    columns: Vec<Option<Field>>,
    record: Vec<u8>,
    ends: Vec<usize>,
}

/// What was read into the buffers.
struct Record {
    line: u64,
    fields: usize,
    /// Bytes read if they are more than an item may have.
    too_large: Option<u64>,
}

impl<R: BufRead> Table<R> {
    pub(super) fn open(input: R, delimiter: u8) -> Result<Self, FeedError> {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        let (record, ends) = (vec![0; ITEM_BYTES], vec![0; COLUMNS_MAX]);
        let mut table = Self { input, reader, line: 1, columns: Vec::new(), record, ends };
        let header = table.read_record()?.ok_or(FeedError::Empty)?;
        if header.too_large.is_some() || header.fields > COLUMNS_MAX {
            return Err(FeedError::HeaderTooLarge { columns: COLUMNS_MAX, bytes: ITEM_BYTES_MAX });
        }
        let name = |index| std::str::from_utf8(table.field(index)).ok().and_then(Field::from_name);
        let columns: Vec<_> = (0..header.fields).map(name).collect();
        if let Some(field) = Field::REQUIRED.into_iter().find(|field| !columns.contains(&Some(*field))) {
            return Err(FeedError::MissingColumn { field });
        }
        table.columns = columns;
        Ok(table)
    }

    /// The next item that is not blank.
    pub(super) fn next_item(&mut self) -> Result<Option<Result<Item, Refusal>>, FeedError> {
        while let Some(record) = self.read_record()? {
            let line = record.line;
            match self.item(&record) {
                Ok(item) if item.is_blank() => {}
                Ok(item) => return Ok(Some(Ok(item))),
                Err(reason) => return Ok(Some(Err(Refusal { line, reason }))),
            }
        }
        Ok(None)
    }

    fn item(&self, record: &Record) -> Result<Item, Reason> {
        if let Some(found) = record.too_large {
            return Err(Reason::TooLarge { limit: ITEM_BYTES_MAX, found });
        }
        let limit = self.columns.len();
        let kept = record.fields.min(COLUMNS_MAX);
        if record.fields > COLUMNS_MAX
            || (limit..kept).any(|index| !self.field(index).trim_ascii().is_empty())
        {
            return Err(Reason::TooManyFields { limit, found: record.fields });
        }
        let mut item = Item::new(record.line);
        for (index, column) in self.columns.iter().enumerate().take(kept) {
            let Some(field) = *column else { continue };
            let text = std::str::from_utf8(self.field(index)).map_err(|error| {
                Reason::invalid(field, format!("its byte {} is not UTF-8", error.valid_up_to() + 1))
            })?;
            item.set(field, text);
        }
        Ok(item)
    }

    fn field(&self, index: usize) -> &[u8] {
        let from = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.record[from..self.ends[index]]
    }

    fn read_record(&mut self) -> Result<Option<Record>, FeedError> {
        self.skip_line_ends()?;
        let (line, mut length, mut fields, mut lost) = (self.line, 0, 0, 0_u64);
        let mut spill = [0; COLUMNS_MAX];
        loop {
            let chunk = self.input.fill_buf()?;
            // Past what an item may have, the rest of it is read into the same room again and again.
            let kept_fields = fields.min(COLUMNS_MAX);
            let ends = if kept_fields < COLUMNS_MAX && lost == 0 {
                &mut self.ends[kept_fields..]
            } else {
                &mut spill[..]
            };
            let (result, read, written, ended) =
                self.reader.read_record(chunk, &mut self.record[length..], ends);
            self.line += chunk[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.input.consume(read);
            length += written;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::OutputEndsFull => {}
                ReadRecordResult::OutputFull if self.record.len() < ITEM_BYTES_MAX => {
                    self.record.resize(self.record.len() * 2, 0);
                }
                ReadRecordResult::OutputFull => {
                    lost += length as u64;
                    length = 0;
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        let too_large = (lost > 0).then_some(lost + length as u64);
        Ok(Some(Record { line, fields, too_large }))
    }

    /// Blank lines are no items, but they count.
    fn skip_line_ends(&mut self) -> Result<(), FeedError> {
        loop {
            let chunk = self.input.fill_buf()?;
            let ends = chunk.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
            let (count, lines) =
                ends.fold((0, 0), |(count, lines), byte| (count + 1, lines + u64::from(*byte == b'\n')));
            self.line += lines;
            self.input.consume(count);
            if count == 0 {
                return Ok(());
            }
        }
    }
}
