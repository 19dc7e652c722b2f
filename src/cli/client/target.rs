//! The positional argument that names one object.

/// Declares `Target`, the positional argument of a noun that is identified by name or id.
macro_rules! target {
    ($noun:literal, $value_name:literal, $help:literal, $complete:path) => {
        /// The object of the command.
        #[derive(clap::Args, Debug)]
        pub struct Target {
            #[arg(
                                                        value_name = $value_name,
                                                        help = $help,
                                                        value_parser = $crate::cli::client::flags::object_name($noun),
                                                        add = clap_complete::ArgValueCompleter::new($complete)
                                                    )]
            object: String,
        }

        impl Target {
            /// The name as typed. Errors name it from now on.
            pub fn name(&self, cx: &$crate::cli::client::context::Context) -> &str {
                cx.about($noun, &self.object);
                &self.object
            }
        }
    };
}
pub(super) use target;
