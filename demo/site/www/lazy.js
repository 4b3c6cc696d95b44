// Pictures below the fold are fetched when they come into view.
for (const image of document.querySelectorAll("img.lazy")) {
  new IntersectionObserver((entries, watcher) => {
    if (!entries[0].isIntersecting) return;
    watcher.disconnect();
    if (image.dataset.srcset) image.srcset = image.dataset.srcset;
    image.src = image.dataset.src;
  }).observe(image);
}
