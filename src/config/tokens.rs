//! The tokens of workers.

use std::collections::HashSet;

use super::Secret;
use crate::domain::Ident;

/// The fewest characters of a token that nobody guesses.
pub const SHORTEST_TOKEN: usize = 16;

/// A token of workers, and the queues that it is bound to; bound to none, it is for every queue.
#[derive(Clone, Debug)]
pub struct WorkerToken {
    pub secret: Secret,
    pub queues: Option<Vec<String>>,
}

/// Tokens like `TOKEN,TOKEN@critical+default`. A mistake is told without repeating what it was made in.
pub fn worker_tokens(text: &str) -> Result<Vec<WorkerToken>, String> {
    let tokens = text.split(',').map(worker_token).collect::<Result<Vec<_>, _>>()?;
    let different: HashSet<&str> = tokens.iter().map(|it| it.secret.reveal()).collect();
    if different.len() < tokens.len() {
        return Err("must not have the same token twice; give it all its queues at once".into());
    }
    Ok(tokens)
}

fn worker_token(text: &str) -> Result<WorkerToken, String> {
    let (secret, queues) = match text.trim().rsplit_once('@') {
        Some((secret, queues)) => (secret, Some(queues.split('+').map(str::to_owned).collect::<Vec<_>>())),
        None => (text.trim(), None),
    };
    if secret.chars().count() < SHORTEST_TOKEN {
        return Err(format!("must have at least {SHORTEST_TOKEN} characters in each token; try: openssl rand -hex 24"));
    }
    if queues.iter().flatten().any(|name| Ident::parse(name).is_err()) {
        return Err("must name the queues of a token after an @, like TOKEN@critical+default".into());
    }
    Ok(WorkerToken { secret: Secret::new(secret), queues })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0123456789abcdef";
    const B: &str = "fedcba9876543210";

    #[test]
    fn a_token_may_be_bound_to_queues() {
        let tokens = worker_tokens(&format!("{A}, {B}@critical+eu/west:1")).unwrap();
        let read: Vec<_> = tokens.iter().map(|it| (it.secret.reveal(), it.queues.clone())).collect();
        assert_eq!(read, [(A, None), (B, Some(vec!["critical".into(), "eu/west:1".into()]))]);
    }

    #[test]
    fn a_mistake_is_told_without_the_token() {
        for (text, told) in [
            (format!("{A},short"), "16 characters"),
            (format!("{A},"), "16 characters"),
            (format!("{A}@"), "after an @"),
            (format!("{A}@*"), "after an @"),
            (format!("{A}@critical+"), "after an @"),
            (format!("{A}@critical,{A}@default"), "twice"),
        ] {
            let mistake = worker_tokens(&text).unwrap_err();
            assert!(mistake.contains(told) && !mistake.contains(A), "{mistake}");
        }
    }
}
