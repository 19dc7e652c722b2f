//! JSON schemas from outside, and the check of values from outside against them, within a budget.
//!
//! A small schema can describe an endless computation: a hundred bytes can ask for more steps, memory or stack than there is. So
//! [`shape`] bounds a schema before it is compiled, patterns are matched without backtracking, and [`meter`] bounds every check.
//! No reference is ever fetched.

mod meter;
mod shape;

use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use meter::{Counted, Metered, Prices, within};

use shape::Shape;

pub use meter::Spent;

/// How many mistakes are reported at once.
const MAX_MISTAKES: usize = 20;
/// The longest message of a mistake, in bytes, that repeats the value.
const MAX_MESSAGE: usize = 300;
/// Steps for naming the mistakes of a value that is known to be invalid.
const EXPLAIN_STEPS: u64 = 1_000_000;
/// The steps of any check, and for each byte of the value, and at most. A check of an ordinary value takes a few steps per byte.
const BASE_STEPS: u64 = 100_000;
const STEPS_PER_BYTE: u64 = 64;
const MAX_STEPS: u64 = 5_000_000;
/// The sizes that a compiled pattern may have, in bytes, and what matching it costs for 16 bytes of text: a match takes time in
/// proportion to both. Schemas with small patterns are the normal case and may match them more often.
const PATTERN_SIZES: [(usize, u64); 3] = [(16 * 1024, 4), (128 * 1024, 32), (512 * 1024, 128)];
/// How large all compiled patterns of a schema may be together.
const MAX_PATTERNS: usize = 32 * 1024 * 1024;
/// How many subschemas one step pays for that apply to an element and may ask it nothing.
const WAYS_PER_STEP: u64 = 16;

/// The budget of a check of a value with this many bytes, in steps.
pub fn budget(bytes: usize) -> u64 {
    (BASE_STEPS + STEPS_PER_BYTE * bytes as u64).min(MAX_STEPS)
}

/// A part of a value that does not satisfy the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// A JSON pointer to the part; empty for the whole value.
    pub path: String,
    pub message: String,
}

/// Why a value is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// At most 20 of its mistakes, and at least one.
    Mistakes(Vec<Mistake>),
    /// The check was ended: it would exceed its budget.
    Costly(Spent),
}

impl Invalid {
    /// The mistakes of a value. A check that was ended counts as one.
    pub fn into_mistakes(self) -> Vec<Mistake> {
        let message = match self {
            Self::Mistakes(mistakes) => return mistakes,
            Self::Costly(Spent::Steps) => {
                "takes too long to check against its schema; make the value smaller, or the schema simpler: fewer alternatives (anyOf, oneOf), less recursion"
            }
            Self::Costly(Spent::Stack) => {
                "goes too deep into its schema; nest the value less, or make the recursion of the schema simpler"
            }
        };
        vec![Mistake { path: String::new(), message: message.to_owned() }]
    }
}

/// A compiled schema.
#[derive(Clone, Debug)]
pub struct Schema {
    validator: Validator<Metered>,
    prices: Prices,
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// Why it is not a JSON schema, or which bound it exceeds; the end of a sentence.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        let Shape { ways, patterns } = shape::check(schema)?;
        let element = 1 + ways / WAYS_PER_STEP;
        let build = |(size, text): (usize, u64)| {
            let regex = PatternOptions::regex().size_limit(size).dfa_size_limit(size.max(64 * 1024));
            let options = jsonschema::options_for::<Metered>().offline().with_pattern_options(regex);
            options.build(schema).map(|validator| Self { validator, prices: Prices { text, element } })
        };
        let mut sizes = PATTERN_SIZES.into_iter().filter(|(size, _)| size * patterns <= MAX_PATTERNS);
        let mut built = build(sizes.next().unwrap_or(PATTERN_SIZES[0]));
        while let Err(error) = built {
            let text = error.to_string();
            let is_pattern = text.ends_with("is not a \"regex\"");
            built = match sizes.next().filter(|_| is_pattern) {
                Some(larger) => build(larger),
                None if is_pattern => {
                    return Err(format!(
                        "{text}, or is too large, or needs backtracking: look-around, back references and large repetitions are not supported"
                    ));
                }
                None => return Err(text),
            };
        }
        built.map_err(|error| error.to_string())
    }

    /// Compiles the text of a schema.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub fn parse(text: &str) -> Result<Self, String> {
        let schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Self::compile(&schema)
    }

    /// Checks a value in at most `steps`, and names its mistakes in at most a million steps.
    ///
    /// # Errors
    /// The mistakes, or that the budget is spent.
    pub fn check(&self, value: &Value, steps: u64) -> Result<(), Invalid> {
        match within(steps, self.prices, || self.validator.is_valid(Counted(value))) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Invalid::Mistakes(self.mistakes(value))),
            Err(spent) => Err(Invalid::Costly(spent)),
        }
    }

    /// Like [`Self::check`], but nothing if the check, or naming the mistakes, takes more than `steps`.
    pub fn check_quickly(&self, value: &Value, steps: u64) -> Option<Result<(), Invalid>> {
        if within(steps, self.prices, || self.validator.is_valid(Counted(value))).ok()? {
            return Some(Ok(()));
        }
        let mistakes = within(steps, self.prices, || self.all_mistakes(value)).ok()?;
        Some(Err(Invalid::Mistakes(mistakes)))
    }

    /// The mistakes of an invalid value. Naming all is far more work than finding one, so that is what remains when all are too
    /// much.
    fn mistakes(&self, value: &Value) -> Vec<Mistake> {
        let all = || self.all_mistakes(value);
        let first = || self.validator.validate(Counted(value)).err().map(mistake).into_iter().collect::<Vec<_>>();
        let named = within(EXPLAIN_STEPS, self.prices, all).or_else(|_| within(EXPLAIN_STEPS, self.prices, first));
        let message = "does not match its schema; the mistakes take too long to name";
        let some = || Mistake { path: String::new(), message: message.to_owned() };
        named.ok().filter(|it| !it.is_empty()).unwrap_or_else(|| vec![some()])
    }

    fn all_mistakes(&self, value: &Value) -> Vec<Mistake> {
        self.validator.iter_errors(Counted(value)).take(MAX_MISTAKES).map(mistake).collect()
    }
}

fn mistake(error: ValidationError<'_>) -> Mistake {
    let text = error.to_string();
    // The message contains the value, which may be long.
    let message = if text.len() <= MAX_MESSAGE { text } else { error.masked_with("the value").to_string() };
    let message = match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    };
    Mistake { path: error.instance_path().to_string(), message }
}

#[cfg(test)]
mod tests;
