//! What all pages share: the layout, links, forms, confirmation pages, charts, and how states look.

pub mod chart;
pub mod confirm;
pub mod confirm_view;
pub mod counts;
pub mod error;
pub mod flash;
pub mod form;
pub mod layout;
pub mod layout_view;
pub mod links;
pub mod parts;
pub mod standalone_view;
pub mod state;
pub mod status;
