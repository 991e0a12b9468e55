//! `GET /key`: what the request's key allows.

use axum::Json;
use wire::api::KeyInfo;

use super::access::Caller;
use super::error::ApiError;

pub(super) async fn key(caller: Caller) -> Result<Json<KeyInfo>, ApiError> {
    let Some(key) = caller.access()?.key() else {
        return Ok(Json(KeyInfo { is_open: true, id: None, right: None, entity: None, project: None }));
    };
    Ok(Json(KeyInfo {
        is_open: false,
        id: Some(key.id.clone()),
        right: Some(key.right.to_string()),
        entity: Some(key.scope.entity.clone()),
        project: key.scope.project.clone(),
    }))
}
