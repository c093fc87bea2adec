//! One GET with every bound set: time to connect, time between bytes, redirects, and size.

use std::io::Read;

use ureq::Agent;

use super::Timeouts;

const MAX_REDIRECTS: u32 = 5;

/// An agent for files under `address` that gives up as `timeouts` say.
pub(super) fn agent(timeouts: &Timeouts, address: &str) -> Agent {
    let builder = Agent::config_builder();
    // The environment's proxy does not know this machine's own servers.
    let own = ["http://127.0.0.1", "http://[::1]", "http://localhost"].iter().any(|own| address.starts_with(own));
    let builder = if own { builder.proxy(None) } else { builder };
    builder
        .user_agent(concat!("netwright/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(timeouts.connect))
        .timeout_connect(Some(timeouts.connect))
        .timeout_recv_response(Some(timeouts.read))
        .timeout_per_read(Some(timeouts.read))
        .timeout_global(Some(timeouts.whole))
        .max_redirects(MAX_REDIRECTS)
        .max_redirects_will_error(true)
        .build()
        .into()
}

/// The body at `url`, of at most `limit` bytes, and its length where the server declares one; or why there is none.
pub(super) fn get(agent: &Agent, url: &str, limit: u64) -> Result<(impl Read + use<>, Option<u64>), String> {
    let body = agent.get(url).call().map_err(|error| error.to_string())?.into_body();
    let total = body.content_length();
    if let Some(total) = total.filter(|&total| total > limit) {
        return Err(format!("the server announces {total} bytes, expected at most {limit}"));
    }
    Ok((body.into_with_config().limit(limit).reader(), total))
}
