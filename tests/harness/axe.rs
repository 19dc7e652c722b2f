//! Accessibility checks with axe.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use super::Browser;

const AXE: &str = include_str!("../browser/vendor/axe-4.14.1.min.js");
/// The rules that pages must meet.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/// The rules about colors, which cost the most.
const COLOR_RULES: [&str; 2] = ["color-contrast", "link-in-text-block"];
/// Runs axe with these options.
const RUN_AXE: &str = r"
    const [options, done] = arguments;
    const line = it => `${it.id}: ${it.help}: ${it.nodes.map(node => node.target + ' ' + node.failureSummary).join('; ')}`;
    axe.run({...options, resultTypes: ['violations']})
       .then(found => done(found.violations.map(line)), error => done([String(error)]))";

impl Browser {
    /// The accessibility violations that axe finds on this page, one line each.
    pub async fn accessibility_violations(&self) -> Vec<String> {
        self.axe(json!({"runOnly": TAGS})).await
    }

    /// Only the violations of color contrast rules.
    pub async fn contrast_violations(&self) -> Vec<String> {
        self.axe(json!({"runOnly": {"type": "rule", "values": COLOR_RULES}})).await
    }

    /// The violations of all other rules.
    pub async fn layout_violations(&self) -> Vec<String> {
        let off = COLOR_RULES.map(|rule| (rule.to_owned(), json!({"enabled": false})));
        self.axe(json!({"runOnly": TAGS, "rules": Map::from_iter(off)})).await
    }

    async fn axe(&self, options: Value) -> Vec<String> {
        // The script is large, so it is sent once and the browser runs it in every later page.
        if !self.has_axe.swap(true, Ordering::Relaxed) {
            self.run_in_new_documents(AXE).await;
            self.driver.execute(AXE, Vec::new()).await.unwrap();
        }
        let found = self.driver.execute_async(RUN_AXE, vec![options]).await.unwrap();
        found.json().as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
    }
}
