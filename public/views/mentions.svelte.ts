/** Of the unread messages, how many mention the person at this page: the title and the icon count them. */
export const mentions = $state({ unread: 0 });
