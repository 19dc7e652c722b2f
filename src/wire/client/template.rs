//! `/templates`.

endpoints! {
    /// Lists the templates.
    list_templates() GET "/templates";
    /// Returns a template.
    get_template(id) GET "/templates/" id;
}
