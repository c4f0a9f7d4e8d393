// On a phone the navigation is a drawer over the page, and Streamlit leaves it open when a link in it is followed.

// Streamlit puts the sections of the drawer into its list as they are, which leaves their links in no list for a screen reader.
function mendLists() {
  for (const list of document.querySelectorAll('[data-testid="stSidebarNavItems"]')) {
    if (!list.querySelector(":scope > div")) continue;
    list.setAttribute("role", "group");
    for (const part of list.children) part.setAttribute("role", part.matches("li") ? "presentation" : "list");
  }
}

export default function ({ data, parentElement }) {
  mendLists();
  const host = parentElement.host ?? parentElement;
  if (host.dataset.page === data.page) return;
  host.dataset.page = data.page;
  const drawer = document.querySelector('[data-testid="stSidebar"]');
  const covers = drawer && window.innerWidth < 768 && drawer.getBoundingClientRect().right > 0;
  if (covers) drawer.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
}
