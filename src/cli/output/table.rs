//! Rows and columns, as wide as they are or as the terminal has room.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::cell::{Show, is_number};
use super::paint::Paint;

/// What is left free between two columns.
const GAP: usize = 2;
/// A column is not made narrower than this.
const LEAST: usize = 8;

/// A table that is ready to be written.
pub struct Table {
    pub heads: Vec<(String, Show)>,
    pub rows: Vec<Vec<String>>,
    /// Without it, the heads are left out.
    pub with_heads: bool,
}

impl Table {
    /// As lines. `room` is the width of the terminal, when it is one.
    pub fn lines(mut self, room: Option<usize>, paint: Paint) -> Vec<String> {
        if let Some(room) = room {
            self.fit(room);
        }
        let widths = self.widths(room);
        let mut lines = Vec::with_capacity(self.rows.len() + 1);
        if self.with_heads {
            let heads: Vec<String> = self.heads.iter().map(|(head, _)| head.clone()).collect();
            lines.push(self.line(&heads, &widths, |_, text| paint.dim(text)));
        }
        for row in &self.rows {
            let painted = |show, text: &str| if show == Show::State { paint.state(text) } else { text.to_owned() };
            lines.push(self.line(row, &widths, painted));
        }
        lines
    }

    /// Leaves columns out, where shortening them is not enough: what is empty, then moments and numbers, from the right.
    fn fit(&mut self, room: usize) {
        let is_too_wide = |table: &Self| {
            let widths = table.widths(Some(room));
            widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1) > room
        };
        while is_too_wide(self) {
            let is_empty = |at: &usize| self.rows.iter().all(|row| matches!(row[*at].as_str(), "-" | ""));
            let is_small = |at: &usize| is_number(self.heads[*at].1) || self.heads[*at].1 == Show::When;
            let columns = || (1..self.heads.len()).rev();
            let Some(at) = columns().find(is_empty).or_else(|| columns().find(is_small)) else { return };
            self.heads.remove(at);
            self.rows.iter_mut().for_each(|row| _ = row.remove(at));
        }
    }

    fn widths(&self, room: Option<usize>) -> Vec<usize> {
        let head = |at: usize| if self.with_heads { self.heads[at].0.width() } else { 0 };
        let widest = |at: usize| self.rows.iter().map(|row| row[at].width()).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..self.heads.len()).map(|at| head(at).max(widest(at))).collect();
        let Some(room) = room else { return widths };
        let gaps = GAP * widths.len().saturating_sub(1);
        // What is shortened first is what is widest.
        while widths.iter().sum::<usize>() + gaps > room {
            let can_shrink = |at: &usize| self.heads[*at].1 == Show::Text && widths[*at] > LEAST;
            let Some(at) = (0..widths.len()).filter(can_shrink).max_by_key(|at| widths[*at]) else { break };
            widths[at] -= 1;
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize], painted: impl Fn(Show, &str) -> String) -> String {
        let mut line = String::new();
        for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let show = self.heads[at].1;
            let text = shortened(cell, *width);
            let free = " ".repeat(width - text.width().min(*width));
            if at > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let text = painted(show, &text);
            line.push_str(&if is_number(show) { format!("{free}{text}") } else { format!("{text}{free}") });
        }
        line.trim_end().to_owned()
    }
}

/// As much of a text as has room, with `…` for the rest.
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
        let heads = [("ID", Show::Exact), ("NAME", Show::Text), ("N", Show::Number)];
        Table {
            heads: heads.map(|(head, show)| (head.to_owned(), show)).to_vec(),
            rows: vec![row("a name that is rather long", "1"), row("数", "10")],
            with_heads: true,
        }
    }

    #[test]
    fn columns_stand_below_each_other_whatever_the_letters_are() {
        let lines = table().lines(None, Paint(false));
        assert_eq!(lines[0], "ID    NAME                         N");
        assert_eq!(lines[1], "id-1  a name that is rather long   1");
        assert_eq!(lines[2], "id-1  数                          10");
    }

    #[test]
    fn only_a_terminal_shortens_and_only_what_is_not_to_be_copied() {
        let lines = table().lines(Some(22), Paint(false));
        assert_eq!(lines[1], "id-1  a name that…   1");
        assert_eq!(table().lines(Some(15), Paint(false))[1], "id-1  a name t…", "the number has no room");
        assert!(table().lines(Some(5), Paint(false))[1].starts_with("id-1  a name …"));
    }

    #[test]
    fn states_have_colours_only_where_they_are_wanted() {
        let table = || Table {
            heads: vec![("STATE".into(), Show::State)],
            rows: vec![vec!["failed".into()]],
            with_heads: false,
        };
        assert_eq!(table().lines(None, Paint(false)), ["failed"]);
        assert_eq!(table().lines(None, Paint(true)), ["\u{1b}[31mfailed\u{1b}[0m"]);
    }
}
