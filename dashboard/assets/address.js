// An address without its query, as the navigation opens it, is completed in place: a link that is copied then says everything,
// and Back needs one press.
export default function ({ data }) {
  if (window.location.search || !data.query) return;
  window.history.replaceState(window.history.state, "", `${window.location.pathname}?${data.query}`);
}
