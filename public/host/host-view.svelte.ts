// Which of the host's dialogs is open: they are asked for in the list of members, in the menu and by commands.

class HostView {
  /** The room's settings. */
  settings = $state(false);
  /** What may be done with this member. */
  clientId: string | null = $state(null);
  /** Opens the room's invitation; null outside of a room with a host. */
  invites: (() => void) | null = null;

  close(): void {
    this.settings = false;
    this.clientId = null;
  }
}

export const hostView = new HostView();
