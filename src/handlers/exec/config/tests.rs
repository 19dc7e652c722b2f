use super::*;

fn read_text(text: &str) -> Result<Vec<Command>, Vec<String>> {
    read(&text.parse().unwrap())
}

#[test]
fn argv_is_the_only_required_key() {
    let commands = read_text("[hello]\nargv = [\"cat\"]").unwrap();
    assert_eq!((commands[0].kind.as_str(), commands[0].program.line().as_str()), ("command.hello", "cat"));
}

#[test]
fn every_mistake_names_its_key() {
    let cases = [
        ("", "commands.x (provost.toml): missing field `argv`"),
        ("argv = []", "commands.x.argv (provost.toml) must begin with a program"),
        ("argv = \"rm -rf\"", "commands.x.argv (provost.toml): invalid type: string"),
        ("argv = [\"bin/cat\"]", "commands.x.argv (provost.toml) begins with \"bin/cat\", which is neither"),
        ("argv = [\"../bin/cat\"]", "commands.x.argv (provost.toml) begins with"),
        ("argv = [\"no-such-program\"]", "commands.x.argv (provost.toml) begins with"),
        ("argv = [\"cat\"]\nshell = true", "unknown field `shell`"),
        ("argv = [\"cat\"]\nkind = \"a b\"", "commands.x.kind (provost.toml) is \"a b\""),
        ("argv = [\"cat\"]\nkind = \"http.call\"", "commands.x.kind (provost.toml) \"http.call\" is the kind"),
        ("argv = [\"cat\"]\nkind = \"project.provision\"", "is the kind of another handler"),
        (
            "argv = [\"cat\"]\nenv = [\"PROVOST_ADMIN_TOKEN\"]",
            "commands.x.env (provost.toml) contains PROVOST_ADMIN_TOKEN",
        ),
        ("argv = [\"cat\"]\nenv = [\"DATABASE_URL\"]", "contains DATABASE_URL, which is never passed"),
        ("argv = [\"cat\"]\nenv = [\"PGPASSWORD\"]", "contains PGPASSWORD"),
        ("argv = [\"cat\"]\nenv = [\"A=B\"]", "contains \"A=B\", which is not"),
        ("argv = [\"cat\"]\nset = {PROVOST_JOB_ID = \"1\"}", "commands.x.set (provost.toml) contains PROVOST_JOB_ID"),
        ("argv = [\"cat\"]\ngrace = \"1h\"", "commands.x.grace (provost.toml) must be a duration"),
        ("argv = [\"cat\"]\noutput = \"1GiB\"", "commands.x.output (provost.toml) must be at most 4MiB"),
        ("argv = [\"cat\"]\nmemory = \"much\"", "commands.x.memory (provost.toml): must be a number of bytes"),
        ("argv = [\"cat\"]\nwork_dir = \"tmp\"", "commands.x.work_dir (provost.toml) must be the absolute path"),
        ("argv = [\"cat\"]\ngroup = 7", "commands.x.group (provost.toml) requires a user"),
        ("argv = [\"cat\"]\nuser = \"no-such-user\"", "which is unknown on this system"),
        ("argv = [\"cat\"]\nrefuse_on = [256]", "commands.x.refuse_on[0] (provost.toml)"),
        ("argv = [\"cat\"]\nschema = {type = \"nonsense\"}", "commands.x.schema (provost.toml) must be a JSON Schema"),
        ("argv = [\"cat\"]\nschema = \"no/such/file\"", "no/such/file: No such file"),
    ];
    for (entry, expected) in cases {
        let mistakes = read_text(&format!("[x]\n{entry}")).unwrap_err();
        assert!(mistakes.iter().any(|it| it.contains(expected)), "{entry}: {mistakes:#?}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let twice = "[a]\nargv = [\"cat\"]\nkind = \"x\"\n[b]\nargv = [\"cat\"]\nkind = \"x\"\ngrace = \"long\"\n[c]\n";
    let mistakes = read_text(twice).unwrap_err();
    assert_eq!(mistakes.len(), 3, "{mistakes:#?}");
}
