//! A budget for the check of one value, and values that count every access to them.
//!
//! The validator has no budget of its own, but each of its steps asks the value something: its type, a member, its identity. So
//! the value counts, and ends the check by unwinding once the budget is spent. Unwinding this way prints nothing.

use std::borrow::Cow;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object, cmp};
use serde_json::{Map, Number, Value};

/// How much of its stack a check may use. The threads of the runtime have 2 MiB; the rest is for the caller, and for the few
/// calls between two accesses.
const MAX_STACK: usize = 768 * 1024;
/// What it costs to take the value itself, in steps, in addition to its size: every error does, and allocates paths.
const TAKE: u64 = 16;

/// Which part of the budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    Steps,
    /// The recursion of the schema into the value is too deep for a stack.
    Stack,
}

/// What the use of a value costs, in steps. Both depend on the schema, because parts of its work ask the value nothing.
#[derive(Clone, Copy, Debug)]
pub struct Prices {
    /// Each 16 bytes of a text, which a pattern may be matched against.
    pub text: u64,
    /// An element of an array, or the value of a member.
    pub element: u64,
}

#[derive(Clone, Copy)]
struct Meter {
    left: u64,
    prices: Prices,
    /// Where the stack was when the check began.
    stack: usize,
}

thread_local! {
    static METER: Cell<Meter> = const { Cell::new(Meter { left: u64::MAX, prices: Prices { text: 0, element: 0 }, stack: 0 }) };
}

/// Runs `check` with a budget of steps.
pub fn within<T>(steps: u64, prices: Prices, check: impl FnOnce() -> T) -> Result<T, Spent> {
    let before = METER.replace(Meter { left: steps, prices, stack: stack_now() });
    let result = catch_unwind(AssertUnwindSafe(check));
    METER.set(before);
    result.map_err(|panic| match panic.downcast::<Spent>() {
        Ok(spent) => *spent,
        Err(other) => resume_unwind(other),
    })
}

/// An address close to the top of the stack.
#[inline(never)]
fn stack_now() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)) as usize
}

fn spend(steps: u64) {
    let meter = METER.get();
    // Without a check there is no budget.
    if meter.stack != 0 && meter.stack.abs_diff(stack_now()) > MAX_STACK {
        resume_unwind(Box::new(Spent::Stack));
    }
    match meter.left.checked_sub(steps) {
        Some(left) => METER.set(Meter { left, ..meter }),
        None => resume_unwind(Box::new(Spent::Steps)),
    }
}

fn spend_element() {
    spend(METER.get().prices.element);
}

fn spend_text(text: &str) {
    spend(1 + (text.len() as u64 / 16).saturating_mul(METER.get().prices.text));
}

/// Some errors contain the text of the value.
fn spend_size(value: &Value) {
    match value {
        Value::String(text) => spend(1 + text.len() as u64 / 16),
        Value::Array(items) => items.iter().for_each(spend_size),
        Value::Object(members) => members.values().for_each(spend_size),
        _ => spend(1),
    }
}

/// The JSON of a metered check.
pub struct Metered;

/// A value that counts every access.
#[derive(Clone, Copy)]
pub struct Counted<'a>(pub &'a Value);

pub struct CountedObject<'a>(&'a Map<String, Value>);
pub struct CountedArray<'a>(&'a [Value]);
pub struct Members<'a>(serde_json::map::Iter<'a>);
pub struct Elements<'a>(std::slice::Iter<'a, Value>);

impl Json for Metered {
    type Node<'a> = Counted<'a>;
    type PreparedKey = String;
    type StringBuffer = Value;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(buffer: &mut Value, string: &str, f: impl FnOnce(Counted<'_>) -> T) -> T {
        spend(1);
        *buffer = Value::String(string.to_owned());
        f(Counted(buffer))
    }
}

impl<'a> Node<'a, Metered> for Counted<'a> {
    type Object = CountedObject<'a>;
    type Array = CountedArray<'a>;
    type Number = &'a Number;

    fn as_object(&self) -> Option<CountedObject<'a>> {
        spend(1);
        self.0.as_object().map(CountedObject)
    }

    fn as_array(&self) -> Option<CountedArray<'a>> {
        spend(1);
        self.0.as_array().map(|it| CountedArray(it))
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        let text = self.0.as_str();
        spend_text(text.unwrap_or_default());
        text.map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<&'a Number> {
        spend(1);
        self.0.as_number()
    }

    fn as_boolean(&self) -> Option<bool> {
        spend(1);
        self.0.as_bool()
    }

    fn is_null(&self) -> bool {
        spend(1);
        self.0.is_null()
    }

    fn json_type(&self) -> JsonType {
        spend(1);
        JsonType::from(self.0)
    }

    fn equals_value(&self, expected: &Value) -> bool {
        spend(1);
        cmp::equal(self.0, expected)
    }

    fn to_value(&self) -> Cow<'a, Value> {
        spend(TAKE);
        spend_size(self.0);
        Cow::Borrowed(self.0)
    }

    fn identity(&self) -> Option<NodeIdentity> {
        spend(1);
        Some(NodeIdentity::new(std::ptr::from_ref(self.0) as usize))
    }
}

impl<'a> Object<'a, Metered> for CountedObject<'a> {
    type Node = Counted<'a>;
    type MemberName = &'a str;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &String) -> Option<Counted<'a>> {
        spend_element();
        self.0.get(key).map(Counted)
    }

    fn members(&self) -> Members<'a> {
        Members(self.0.iter())
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Counted<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.0.next()?;
        // A pattern may be matched against the key.
        spend_text(key);
        spend_element();
        Some((key, Counted(value)))
    }
}

impl<'a> Array<'a, Metered> for CountedArray<'a> {
    type Node = Counted<'a>;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> Elements<'a> {
        Elements(self.0.iter())
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Counted<'a>;

    fn next(&mut self) -> Option<Counted<'a>> {
        spend_element();
        self.0.next().map(Counted)
    }
}
