//! Describes the tables of the command line.

use super::cell::CellFormat;

/// A kind of object: its name, the member that identifies it, and the columns of its table.
pub struct Resource {
    pub name: &'static str,
    pub key: &'static str,
    pub columns: &'static [Column],
}

/// One column: its header, the JSON path of its value, and how the value is formatted.
#[derive(Clone, Copy)]
pub struct Column {
    pub header: &'static str,
    pub path: &'static str,
    pub format: CellFormat,
    /// Shown only with `-o wide`.
    pub is_wide: bool,
}

/// Declares tables as data: `NAME = "noun" by "key" { "HEADER" "json.path" Format wide?; … }`.
macro_rules! tables {
    (@wide) => { false };
    (@wide wide) => { true };
    ($($(#[$doc:meta])* $name:ident = $noun:literal by $key:literal {
        $($header:literal $path:literal $format:ident $($wide:ident)?;)*
    })*) => {$(
        $(#[$doc])*
        pub static $name: Resource = Resource {
            name: $noun,
            key: $key,
            columns: &[$(Column {
                header: $header,
                path: $path,
                format: CellFormat::$format,
                is_wide: tables!(@wide $($wide)?),
            }),*],
        };
    )*};
}
pub(in crate::cli) use tables;
