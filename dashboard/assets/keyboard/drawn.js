// Says which of the targets that steps.js sent is on the page, from its first element to this, its last.
export default ({ data }) => { // it gives nothing back: Streamlit would call that when the element goes
  document.dispatchEvent(new CustomEvent("page-drawn", { detail: data.answered }));
};
