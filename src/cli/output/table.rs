//! Aligned columns that fit the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::cell::{CellFormat, is_number};
use super::colors::Colors;

/// Spaces between two columns.
const GAP: usize = 2;
/// Minimum width of a shortened column.
const MIN_WIDTH: usize = 8;

/// A table of formatted cells.
pub struct Table {
    pub headers: Vec<(String, CellFormat)>,
    pub rows: Vec<Vec<String>>,
    pub with_headers: bool,
}

impl Table {
    /// The lines of the table. Without a terminal width, nothing is shortened.
    pub fn lines(mut self, terminal_width: Option<usize>, colors: Colors) -> Vec<String> {
        if let Some(width) = terminal_width {
            self.fit(width);
        }
        let widths = self.widths(terminal_width);
        let mut lines = Vec::with_capacity(self.rows.len() + 1);
        if self.with_headers {
            let headers: Vec<String> = self.headers.iter().map(|(head, _)| head.clone()).collect();
            lines.push(self.line(&headers, &widths, |_, text| colors.dim(text)));
        }
        for row in &self.rows {
            let styled =
                |format, text: &str| if format == CellFormat::State { colors.state(text) } else { text.to_owned() };
            lines.push(self.line(row, &widths, styled));
        }
        lines
    }

    /// Drops columns if shortening is not enough: empty ones first, then timestamps and numbers, from the right.
    fn fit(&mut self, width: usize) {
        let is_too_wide = |table: &Self| {
            let widths = table.widths(Some(width));
            widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1) > width
        };
        while is_too_wide(self) {
            let is_empty = |at: &usize| self.rows.iter().all(|row| matches!(row[*at].as_str(), "-" | ""));
            let is_small = |at: &usize| is_number(self.headers[*at].1) || self.headers[*at].1 == CellFormat::Time;
            let columns = || (1..self.headers.len()).rev();
            let Some(at) = columns().find(is_empty).or_else(|| columns().find(is_small)) else { return };
            self.headers.remove(at);
            self.rows.iter_mut().for_each(|row| _ = row.remove(at));
        }
    }

    fn widths(&self, terminal_width: Option<usize>) -> Vec<usize> {
        let head = |at: usize| if self.with_headers { self.headers[at].0.width() } else { 0 };
        let widest = |at: usize| self.rows.iter().map(|row| row[at].width()).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..self.headers.len()).map(|at| head(at).max(widest(at))).collect();
        let Some(available) = terminal_width else { return widths };
        let gaps = GAP * widths.len().saturating_sub(1);
        // The widest column is shortened first.
        while widths.iter().sum::<usize>() + gaps > available {
            let can_shrink = |at: &usize| self.headers[*at].1 == CellFormat::Text && widths[*at] > MIN_WIDTH;
            let Some(at) = (0..widths.len()).filter(can_shrink).max_by_key(|at| widths[*at]) else { break };
            widths[at] -= 1;
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize], styled: impl Fn(CellFormat, &str) -> String) -> String {
        let mut line = String::new();
        for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let format = self.headers[at].1;
            let text = shortened(cell, *width);
            let padding = " ".repeat(width - text.width().min(*width));
            if at > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let text = styled(format, &text);
            line.push_str(&if is_number(format) { format!("{padding}{text}") } else { format!("{text}{padding}") });
        }
        line.trim_end().to_owned()
    }
}

/// The text, cut to a display width with `…` at the end.
pub fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    format!("{}…", text.chars().take_while(fits).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |name: &str, n: &str| vec!["id-1".to_owned(), name.to_owned(), n.to_owned()];
        let heads = [("ID", CellFormat::Exact), ("NAME", CellFormat::Text), ("N", CellFormat::Number)];
        Table {
            headers: heads.map(|(head, show)| (head.to_owned(), show)).to_vec(),
            rows: vec![row("a name that is rather long", "1"), row("数", "10")],
            with_headers: true,
        }
    }

    #[test]
    fn columns_align_with_wide_characters() {
        let lines = table().lines(None, Colors(false));
        assert_eq!(lines[0], "ID    NAME                         N");
        assert_eq!(lines[1], "id-1  a name that is rather long   1");
        assert_eq!(lines[2], "id-1  数                          10");
    }

    #[test]
    fn narrow_terminal_shortens_only_text_columns() {
        let lines = table().lines(Some(22), Colors(false));
        assert_eq!(lines[1], "id-1  a name that…   1");
        assert_eq!(table().lines(Some(15), Colors(false))[1], "id-1  a name t…", "the number has no room");
        assert!(table().lines(Some(5), Colors(false))[1].starts_with("id-1  a name …"));
    }

    #[test]
    fn states_are_colored_only_if_enabled() {
        let table = || Table {
            headers: vec![("STATE".into(), CellFormat::State)],
            rows: vec![vec!["failed".into()]],
            with_headers: false,
        };
        assert_eq!(table().lines(None, Colors(false)), ["failed"]);
        assert_eq!(table().lines(None, Colors(true)), ["\u{1b}[31mfailed\u{1b}[0m"]);
    }
}
