// What both ways to use posthog-js have in common.

export function posthogOptions(url) {
  return {
    api_host: url,
    defaults: "2026-08-30",
    advanced_disable_flags: true,
    autocapture: false,
    capture_pageview: false,
    capture_pageleave: false,
    disable_external_dependency_loading: true,
    disable_session_recording: true,
    disable_surveys: true,
    // A headless browser is taken for a robot, whose events are dropped.
    opt_out_useragent_filter: true,
  };
}
