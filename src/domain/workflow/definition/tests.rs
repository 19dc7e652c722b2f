use proptest::prelude::*;

use super::*;

fn step(name: &str, after: &[&str]) -> StepDefinition {
    let job = NewJob { max_attempts: 1, ..NewJob::new(Ident::default()) };
    let link = |name: &&str| StepDependency { step: (*name).to_owned(), policy: Policy::Cancel };
    StepDefinition { name: name.to_owned(), job, depends_on: after.iter().map(link).collect() }
}

fn instantiate(steps: Vec<StepDefinition>) -> Result<NewWorkflow, DefinitionError> {
    WorkflowDefinition { name: "x".into(), tenant: Ident::default(), steps }.instantiate()
}

#[test]
fn steps_and_ids_follow_dependency_order() {
    let new = instantiate(vec![step("c", &["b", "a"]), step("b", &["a"]), step("a", &[])]).unwrap();
    let names: Vec<&str> = new.steps.iter().map(|it| it.step.as_ref().unwrap().name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let ids: Vec<Uuid> = new.steps.iter().map(|it| it.id).collect();
    assert!(ids.is_sorted());
    let edge = |on: usize| Dependency { on: ids[on], policy: Policy::Cancel };
    assert_eq!(new.steps[2].dependencies, [edge(1), edge(0)], "in request order");
    assert!(new.steps.iter().all(|it| it.step.as_ref().unwrap().workflow == new.id));
}

#[test]
fn invalid_definition_names_the_field() {
    let cases: Vec<(Vec<StepDefinition>, &str, &str)> = vec![
        (vec![], "steps", "must have 1 to 20000 steps; got 0"),
        (vec![step("a", &[]), step("a", &[])], "steps.1.name", "is already the name of step 0: a"),
        (vec![step("a", &["a"])], "steps.0.depends_on.0", "is the step itself: a"),
        (vec![step("a", &[]), step("b", &["a", "c"])], "steps.1.depends_on.1", "names an unknown step: c"),
        (vec![step("a", &[]), step("b", &["a", "a"])], "steps.1.depends_on.1", "is a duplicate: a"),
        (
            vec![step("free", &[]), step("a", &["free", "b"]), step("b", &["c"]), step("c", &["a"])],
            "steps.1.depends_on",
            "must not form a cycle: a depends on b depends on c depends on a",
        ),
    ];
    for (steps, field, message) in cases {
        assert_eq!(instantiate(steps).unwrap_err(), DefinitionError::new(field, message));
    }
    let name = |n: usize| format!("s{n}");
    let ring: Vec<StepDefinition> = (0..20_000).map(|n| step(&name(n), &[&name((n + 1) % 20_000)])).collect();
    assert!(instantiate(ring).unwrap_err().message.ends_with("depends on s7 depends on … depends on s0"));
}

proptest! {
    /// Compared with a naive search: remove steps without dependencies until none is left or none can be removed.
    #[test]
    fn cycles_and_only_cycles_are_rejected(edges in prop::collection::btree_set((0_usize..8, 0_usize..8), 0..20)) {
        let names: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        let after = |at: usize| edges.iter().filter(move |(child, parent)| *child == at && child != parent);
        let steps = (0..8).map(|at| step(&names[at], &after(at).map(|(_, parent)| names[*parent].as_str()).collect::<Vec<_>>()));
        let mut left: Vec<usize> = (0..8).collect();
        while let Some(place) = left.iter().position(|at| after(*at).all(|(_, parent)| !left.contains(parent))) {
            left.remove(place);
        }
        match instantiate(steps.collect()) {
            Ok(new) => {
                prop_assert!(left.is_empty());
                let place = |id: Uuid| new.steps.iter().position(|it| it.id == id).unwrap();
                prop_assert!(new.steps.iter().all(|it| it.dependencies.iter().all(|on| place(on.on) < place(it.id))));
            }
            Err(fault) => {
                prop_assert!(!left.is_empty());
                prop_assert!(fault.message.starts_with("must not form a cycle"), "{}", fault.message);
            }
        }
    }
}
