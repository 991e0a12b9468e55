// The feedback form: one row for each time it is sent.

/** Logs a row to `table` whenever the form is sent. */
export function startFeedback(table) {
  const form = document.getElementById("feedback");
  const said = document.getElementById("feedback-said");
  document.getElementById("feedback-link").href = table.url;

  form.querySelector("[type=submit]").disabled = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const answers = new FormData(form);
    const rating = answers.get("rating");
    const comment = answers.get("comment").trim();
    table.log({
      helpful: answers.get("helpful") === "yes",
      rating: rating === null ? null : Number(rating),
      comment: comment === "" ? null : comment,
      ...pageTimings(),
      language: navigator.language,
      window: { width: innerWidth, height: innerHeight },
    });
    form.reset();
    said.textContent = "Thank you. Your row is on its way.";
    // That rows cannot be sent at all is said below, where the status is.
    table.flush().then(() => (said.textContent = "Thank you. Your row is in the table."), () => {});
  });
}

/** How long this page took to load, in milliseconds since its navigation began. */
function pageTimings() {
  const [navigation] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return {
    first_byte_millis: navigation?.responseStart,
    dom_ready_millis: navigation?.domContentLoadedEventEnd,
    first_paint_millis: paint?.startTime,
    transfer_bytes: navigation?.transferSize,
  };
}
