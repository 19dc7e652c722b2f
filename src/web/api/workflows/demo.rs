//! The demo workflow: ingest a file, create three thumbnails in parallel, aggregate their metadata and notify a user.

use serde_json::json;
use serde_json::value::RawValue;

use crate::wire::CreateWorkflow;
use crate::wire::json::raw;

/// Six steps, for this tenant.
pub fn thumbnail(tenant: Option<String>) -> CreateWorkflow {
    let file = "file-demo-0001";
    let thumbnail = |size: &str| {
        let payload = json!({"fileId": file, "size": size});
        json!({"name": format!("thumbnail-{size}"), "kind": "image.thumbnail", "payload": payload, "depends_on": ["ingest"]})
    };
    let steps = [
        json!({"name": "ingest", "kind": "file.ingest", "payload": {"fileId": file, "source": "s3://uploads/demo.png"}}),
        thumbnail("sm"),
        thumbnail("md"),
        thumbnail("lg"),
        json!({"name": "aggregate", "kind": "metadata.aggregate", "payload": {"fileId": file},
            "depends_on": ["thumbnail-sm", "thumbnail-md", "thumbnail-lg"]}),
        json!({"name": "notify", "kind": "user.notify", "queue": "critical", "payload": {"userId": "user-demo", "channel": "email"},
            "depends_on": ["aggregate"]}),
    ];
    let steps: Vec<Box<RawValue>> = steps.iter().map(|step| raw(step.to_string())).collect();
    CreateWorkflow { name: "thumbnail demo".into(), tenant, steps }
}
