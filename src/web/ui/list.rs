//! The parts of every list page: tabs, pages and bulk selection.

/// One tab above a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    pub label: String,
    /// "1,284", "10,000+".
    pub count: String,
    /// The list it shows, with all other filters kept.
    pub href: String,
    pub current: bool,
    /// Drawn without a border: a state that is rarely looked for.
    pub quiet: bool,
}

/// The position of a page within its list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pages {
    /// How many rows match the filter: "1,284", "10,000+".
    pub matching: String,
    /// The first page; `None` on the first page itself.
    pub newer: Option<String>,
    /// The next page; `None` on the last one.
    pub older: Option<String>,
}

/// The form that acts on selected rows or on all rows that match the filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bulk {
    /// The filter as hidden fields.
    pub filter: Vec<Hidden>,
    /// The URL of this list, to return to.
    pub back: String,
    /// How many rows match, to follow "all".
    pub matching: String,
}

/// A hidden form field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    pub field: String,
    pub value: String,
}

impl Hidden {
    pub fn new(field: &str, value: impl Into<String>) -> Self {
        Hidden { field: field.to_owned(), value: value.into() }
    }
}
