//! The names of what belongs to a project. They are derived from its id alone, so no name contains text of a user, and a lost
//! answer can always be looked up.

use uuid::Uuid;

/// The letters of base 32, in lower case and without those that are easily confused.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The names of one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The database, and the beginning of every other name: 28 characters.
    pub database: String,
    /// The name of the database while a deletion can be taken back.
    pub aside: String,
    /// The role that owns every object in the database. It cannot log in.
    pub owner: String,
    /// The beginning of the names of credentials.
    pub credential_prefix: String,
    /// The beginning of the names of all roles.
    pub role_prefix: String,
    /// The comment on the database and the roles: which installation and which project they belong to.
    pub marker: String,
    /// The database with the locks of the installation.
    pub maintenance: String,
    /// The comment on that database.
    pub installation_marker: String,
    /// The key of the advisory lock: its holder is the only one that changes the project.
    pub lock: i64,
}

impl Names {
    /// `installation` tells apart several installations of Provost that use one cluster.
    pub fn of(project: Uuid, installation: &str) -> Self {
        let database = format!("p_{}", base32(project));
        // The second half of a UUIDv7 is random.
        let (_, random) = project.as_u64_pair();
        Self {
            aside: format!("z_{}", base32(project)),
            owner: format!("{database}_owner"),
            credential_prefix: format!("{database}_c"),
            role_prefix: format!("{database}_"),
            marker: format!(r#"provost:{{"installation":"{installation}","project":"{project}"}}"#),
            maintenance: format!("provost_{}", base32(Uuid::parse_str(installation).unwrap_or_default())),
            installation_marker: format!(r#"provost:{{"installation":"{installation}"}}"#),
            lock: random.cast_signed(),
            database,
        }
    }

    /// The name of a credential; counts from 1.
    pub fn credential(&self, number: u32) -> String {
        format!("{}{number}", self.credential_prefix)
    }
}

/// The 128 bits of a UUID as 26 letters.
fn base32(id: Uuid) -> String {
    let bits = id.as_u128();
    let letter = |at: u32| char::from(LETTERS[((bits >> (5 * at)) & 31) as usize]);
    (0..26).rev().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_differ_and_fit_into_an_identifier() {
        let ids: Vec<Uuid> = (0..500).map(|_| Uuid::now_v7()).chain([Uuid::nil(), Uuid::max()]).collect();
        let names: BTreeSet<String> = ids.iter().map(|id| Names::of(*id, "i").database).collect();
        assert_eq!(names.len(), ids.len());
        for id in ids {
            let Names { database, owner, .. } = Names::of(id, "i");
            assert_eq!(database.len(), 28);
            let is_plain = |it: &str| it.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_');
            assert!(is_plain(&owner) && owner.len() < 63, "{owner}");
        }
    }

    #[test]
    fn names_never_change() {
        let id = Uuid::from_u128(0x0191_f5a0_0000_7000_8000_0000_0000_0001);
        let names = Names::of(id, "i");
        assert_eq!(names.database, "p_01j7tt0000e008000000000001");
        assert_eq!(names.credential(2), format!("{}_c2", names.database));
    }
}
