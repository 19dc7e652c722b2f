//! The versions of templates.

use time::OffsetDateTime;

use super::row::row;
use super::sql::{TEMPLATES_LATEST, TEMPLATES_PUT};
use super::{Store, StoreError};

/// A template to register. Settings and definition are JSON text.
#[derive(Clone, Debug)]
pub struct NewTemplate {
    pub name: String,
    pub provisioner: String,
    pub settings: String,
    pub definition: String,
    pub hash: String,
}

row! {
    /// The latest version of a template.
    #[derive(Clone, Debug)]
    pub struct TemplateVersion {
        pub name: String,
        pub version: i32,
        pub provisioner: String,
        /// JSON text.
        pub definition: String,
        pub created_at: OffsetDateTime,
    }
}

impl Store {
    /// `templates/put`: a template whose content has changed gets a new version.
    pub async fn put_templates(&self, templates: &[NewTemplate]) -> Result<(), StoreError> {
        let texts = |of: fn(&NewTemplate) -> &str| templates.iter().map(of).collect::<Vec<_>>();
        let (names, provisioners) = (texts(|it| &it.name), texts(|it| &it.provisioner));
        let (settings, definitions) = (texts(|it| &it.settings), texts(|it| &it.definition));
        self.execute(&TEMPLATES_PUT, &[&names, &provisioners, &settings, &definitions, &texts(|it| &it.hash)]).await
    }

    /// `templates/latest`.
    pub async fn latest_templates(&self) -> Result<Vec<TemplateVersion>, StoreError> {
        self.fetch_all(&TEMPLATES_LATEST, &[]).await
    }
}
