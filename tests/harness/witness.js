// Runs in every page before its own scripts and records errors, polls and the first frame for the tests.
const note = text => {
  const errors = JSON.parse(sessionStorage.getItem("page-errors") ?? "[]");
  sessionStorage.setItem("page-errors", JSON.stringify([...errors, `${text} at ${location.href}`]));
};
addEventListener("securitypolicyviolation", event => note(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
addEventListener("error", event => { if (event.message) note(`error ${event.message}`); });
addEventListener("unhandledrejection", event => note(`rejection ${event.reason}`));
window.alert = window.confirm = window.prompt = text => note(`dialog ${text}`);

// Set while the browser leaves this document, from the click on.
window.isLeft = false;
navigation.addEventListener("navigate", event => {
  if (!event.destination.sameDocument && event.downloadRequest === null) window.isLeft = true;
});
navigation.addEventListener("navigateerror", () => { window.isLeft = false; });

window.polls = [];
window.pending = 0;
const fetched = window.fetch;
window.fetch = (...request) => {
  window.pending += 1;
  return fetched(...request).finally(() => { window.pending -= 1; }).then(
    response => { window.polls.push(response.status); return response; },
    error => { window.polls.push(0); throw error; },
  );
};

requestAnimationFrame(() => {
  window.firstFrame = [document.documentElement.dataset.theme, getComputedStyle(document.documentElement).backgroundColor];
});
