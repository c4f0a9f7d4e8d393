// On a phone the navigation is a drawer over the page, and Streamlit leaves it open when a link in it is followed.
export default function ({ data, parentElement }) {
  const host = parentElement.host ?? parentElement;
  if (host.dataset.page === data.page) return;
  host.dataset.page = data.page;
  const drawer = document.querySelector('[data-testid="stSidebar"]');
  const covers = drawer && window.innerWidth < 768 && drawer.getBoundingClientRect().right > 0;
  if (covers) drawer.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
}
