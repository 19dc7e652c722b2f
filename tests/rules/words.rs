//! Words and forms that must not come back: docs/glossary.md and CONTRIBUTING.md say what to write instead.

use std::collections::BTreeSet;

use super::{root, sources};

/// Forms that no page, help text, document or comment uses. Compared without case, as whole words.
const FORBIDDEN: &[&str] = &[
    "any more",
    "anew",
    "whoever",
    "nobody can",
    "nobody knows",
    "that nobody",
    "nobody logs",
    "to nobody",
    "everybody",
    "let it go",
    "lets it go",
    "let go",
    "so many",
    "for ever",
    "comes to rest",
    "at rest",
    "called off",
    "what goes",
    "what stays",
    "what comes",
    "what waits",
    "what runs",
    "is made of it",
    "told on",
    "has its say",
    "worked off",
    "as it shall be",
    "is there to do it",
    "look at it",
    "of a sudden",
    "in the box",
    "what they died of",
    "time is up",
    "have work done",
    "had its turn",
    "made up for",
];

/// Forms that only texts for users must not use.
const FORBIDDEN_FOR_USERS: &[&str] = &["execution", "executions", "tries", "dead jobs", "somebody", "nobody", "beside"];

/// Where a forbidden form is a name of the API or of a command.
const NAMES: &[&str] = &[
    "executions",
    "past_executions",
    "/executions",
    "job executions",
    "worker executions",
    "execution id",
    "execution_id",
];

#[test]
fn pages_use_plain_words() {
    let mut findings = Vec::new();
    for source in sources("templates", "html") {
        check(&mut findings, &source.path, &text_of_template(&source.text), true);
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn help_texts_use_plain_words() {
    let program = provost::cli::program();
    let mut commands = vec![("provost".to_owned(), program)];
    let (mut seen, mut findings) = (0, Vec::new());
    while let Some((name, command)) = commands.pop() {
        let about = [command.get_about(), command.get_long_about(), command.get_after_help()]
            .into_iter()
            .flatten()
            .map(ToString::to_string);
        let arguments = command.get_arguments().filter_map(|it| it.get_help()).map(ToString::to_string);
        for text in about.chain(arguments) {
            check(&mut findings, &name, &text, true);
            seen += 1;
        }
        commands.extend(command.get_subcommands().map(|it| (format!("{name} {}", it.get_name()), it.clone())));
    }
    assert!(seen > 200, "only {seen} help texts were found");
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn documents_use_plain_words() {
    let mut findings = Vec::new();
    for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ".env.example"] {
        check(&mut findings, name, &prose_of_markdown(&std::fs::read_to_string(root(name)).unwrap()), false);
    }
    for source in sources("docs", "md").iter().filter(|it| it.path != "docs/glossary.md") {
        check(&mut findings, &source.path, &prose_of_markdown(&source.text), false);
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn comments_use_plain_words() {
    let mut findings = Vec::new();
    for source in ["src", "bench", "tests"].iter().flat_map(|folder| sources(folder, "rs")) {
        let comments = source.text.lines().filter_map(|line| line.trim_start().strip_prefix("//"));
        if !source.path.starts_with("tests/rules/") {
            check(&mut findings, &source.path, &comments.collect::<Vec<_>>().join("\n"), false);
        }
    }
    for source in sources("sql", "sql") {
        let comments = source.text.lines().filter_map(|line| line.split_once("--").map(|(_, comment)| comment));
        check(&mut findings, &source.path, &comments.collect::<Vec<_>>().join("\n"), false);
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn test_names_are_short() {
    let (mut names, mut findings) = (BTreeSet::new(), Vec::new());
    for source in ["src", "bench", "tests"].iter().flat_map(|folder| sources(folder, "rs")) {
        let mut is_test = false;
        for line in source.text.lines().map(str::trim) {
            let name = line
                .strip_prefix("async fn ")
                .or_else(|| line.strip_prefix("fn "))
                .and_then(|it| it.split(['(', '<']).next());
            match name {
                Some(name) if is_test => {
                    if name.len() >= 60 {
                        findings.push(format!("{}: {name} has {} characters", source.path, name.len()));
                    }
                    names.insert(format!("{}::{name}", source.path));
                    is_test = false;
                }
                _ => {
                    is_test = is_test && (line.starts_with("#[") || line.starts_with("//"))
                        || line.starts_with("#[test]")
                        || line.starts_with("#[tokio::test")
                }
            }
        }
    }
    assert!(names.len() > 500, "only {} tests were found", names.len());
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Each forbidden form in the text, with the words around it.
fn check(findings: &mut Vec<String>, place: &str, text: &str, for_users: bool) {
    let mut text = text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    for name in NAMES.iter().filter(|_| for_users) {
        text = text.replace(name, "");
    }
    let lists = [FORBIDDEN, if for_users { FORBIDDEN_FOR_USERS } else { &[] }];
    for form in lists.into_iter().flatten() {
        for (at, _) in text.match_indices(form).filter(|(at, _)| is_word(&text, *at, form.len())) {
            let from = text.floor_char_boundary(at.saturating_sub(40));
            let to = text.ceil_char_boundary((at + form.len() + 40).min(text.len()));
            findings.push(format!("{place}: \"{form}\" in: …{}…", &text[from..to]));
        }
    }
}

fn is_word(text: &str, at: usize, length: usize) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    !is_letter(text[..at].chars().next_back()) && !is_letter(text[at + length..].chars().next())
}

/// What a reader sees or hears: text, and the attributes that are read out.
fn text_of_template(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        let (tag, rest) = part.split_once('>').unwrap_or(("", part));
        for attribute in ["title=\"", "aria-label=\"", "placeholder=\"", "alt=\""] {
            text.extend(tag.split(attribute).skip(1).filter_map(|it| it.split('"').next()));
            text.push('\n');
        }
        text.push_str(rest);
        text.push('\n');
    }
    // Expressions are code, not prose.
    let without = |text: &str, open: &str, close: &str| {
        text.split(open)
            .enumerate()
            .map(|(n, it)| if n == 0 { it } else { it.split_once(close).map_or("", |(_, rest)| rest) })
            .collect::<String>()
    };
    without(&without(&without(&text, "{%", "%}"), "{{", "}}"), "{#", "#}")
}

/// Without code blocks and inline code.
fn prose_of_markdown(text: &str) -> String {
    let outside: String = text.split("```").step_by(2).collect::<Vec<_>>().join("\n");
    outside.split('`').step_by(2).collect()
}
