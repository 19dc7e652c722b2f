//! Worker tokens.

use std::collections::HashSet;

use super::secret::Secret;
use crate::domain::Ident;

/// Shorter tokens are rejected as guessable.
pub const MIN_TOKEN_LENGTH: usize = 16;

/// A worker token.
#[derive(Clone, Debug)]
pub struct WorkerToken {
    pub secret: Secret,
    /// The queues that it grants access to; nothing means all.
    pub queues: Option<Vec<String>>,
}

/// Parses `TOKEN,TOKEN@critical+default`.
///
/// # Errors
/// The mistake, without the token.
pub fn worker_tokens(text: &str) -> Result<Vec<WorkerToken>, String> {
    let tokens = text.split(',').map(worker_token).collect::<Result<Vec<_>, _>>()?;
    let distinct: HashSet<&str> = tokens.iter().map(|it| it.secret.reveal()).collect();
    if distinct.len() < tokens.len() {
        return Err("must not contain the same token twice; list all its queues once".into());
    }
    Ok(tokens)
}

fn worker_token(text: &str) -> Result<WorkerToken, String> {
    let (secret, queues) = match text.trim().rsplit_once('@') {
        Some((secret, queues)) => (secret, Some(queues.split('+').map(str::to_owned).collect::<Vec<_>>())),
        None => (text.trim(), None),
    };
    if secret.chars().count() < MIN_TOKEN_LENGTH {
        return Err(format!(
            "must have at least {MIN_TOKEN_LENGTH} characters per token; create one with: openssl rand -hex 24"
        ));
    }
    if queues.iter().flatten().any(|name| Ident::parse(name).is_err()) {
        return Err("must list at least one queue after @, as in TOKEN@critical+default".into());
    }
    Ok(WorkerToken { secret: Secret::new(secret), queues })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0123456789abcdef";
    const B: &str = "fedcba9876543210";

    #[test]
    fn token_can_be_restricted_to_queues() {
        let tokens = worker_tokens(&format!("{A}, {B}@critical+eu/west:1")).unwrap();
        let parsed: Vec<_> = tokens.iter().map(|it| (it.secret.reveal(), it.queues.clone())).collect();
        assert_eq!(parsed, [(A, None), (B, Some(vec!["critical".into(), "eu/west:1".into()]))]);
    }

    #[test]
    fn error_does_not_contain_the_token() {
        for (text, expected) in [
            (format!("{A},short"), "16 characters"),
            (format!("{A},"), "16 characters"),
            (format!("{A}@"), "after @"),
            (format!("{A}@*"), "after @"),
            (format!("{A}@critical+"), "after @"),
            (format!("{A}@critical,{A}@default"), "twice"),
        ] {
            let mistake = worker_tokens(&text).unwrap_err();
            assert!(mistake.contains(expected) && !mistake.contains(A), "{mistake}");
        }
    }
}
