//! `provost config`: every setting, its value and its source.

use slog::Logger;

use super::client::Global;
use super::exit::Exit;
use super::output::{Output, array, print};
use super::process::Provisioning;
use super::tables::SETTING;
use crate::config::{Config, Source};
use crate::wire::client::Body;

pub fn run(config: &Config, output: &Output, global: &Global) -> Exit {
    // Commands, templates and clusters are checked as a server checks them.
    let commands = match Provisioning::of(config, &Logger::root(slog::Discard, slog::o!())) {
        Ok(provisioning) => provisioning.handler_settings.commands,
        Err(exit) => return exit,
    };
    let commands =
        commands.iter().map(|it| (format!("commands.{}", it.name), it.program.line(), Source::Toml.as_str()));
    let settings = config.effective.iter().map(|it| (it.name.to_owned(), it.value.clone(), it.source));
    let mut all = settings.chain(commands);
    if output.format.is_for_people() {
        let line = |(name, value, source): (String, String, &str)| {
            let source = if source == Source::Default.as_str() { "" } else { source };
            print(format!("{name:32} {value:28} {source}").trim_end())
        };
        return global.end(all.try_for_each(line));
    }
    let row = |(name, value, source): (String, String, &str)| {
        Body::default().with("name", Some(name)).with("value", Some(value)).with("source", Some(source)).text()
    };
    global.end(output.list(&SETTING, &array(all.map(row))))
}
