//! The statements of the bench, which only look. What is measured goes through `store`, like everybody else's.

use crate::store::sql::Statement;

macro_rules! statements {
    ($($constant:ident = $name:literal),+ $(,)?) => {
        $(
            pub const $constant: Statement =
                Statement { name: $name, text: include_str!(concat!("../../sql/bench/", $name, ".sql")) };
        )+
        /// All of them; each prepares against a fresh schema.
        pub const ALL: &[Statement] = &[$($constant),+];
    };
}

statements! {
    REMAINING = "remaining",
    TRANSACTIONS = "transactions",
}
