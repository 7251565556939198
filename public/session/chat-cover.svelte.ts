// Whether a call covers the chat: its messages are unread then, as in a hidden tab.

class ChatCover {
  #on = $state(false);

  get on(): boolean {
    return this.#on;
  }

  set on(on: boolean) {
    this.#on = on;
    dispatchEvent(new Event("chatcover"));
  }
}

export const cover = new ChatCover();
