// The texts of the connection test come with it. What is wrong with a device or a token is said as in the call.

import type { Language } from "../i18n/language";
import type { CheckId, CheckState, Summary, TestNote } from "./verdict";

const en = {
  title: "Test my connection",
  intro: "Checks your microphone, your camera and the ways to the video server. Nobody in the room notices.",
  checks: {
    mic: "Microphone",
    camera: "Camera",
    socket: "Video server (WebSocket)",
    udp: "Sound and video over UDP",
    tcp: "Sound and video over TCP",
    turn: "TURN relay",
  } satisfies Record<CheckId, string>,
  states: {
    waiting: "Waiting",
    running: "Testing…",
    passed: "Passed",
    limited: "Works with limits",
    failed: "Failed",
    absent: "Not offered",
    skipped: "Not tested",
  } satisfies Record<CheckState, string>,
  notes: {
    mic_silent: "Nothing is heard from the microphone. Unmute it or choose another one.",
    camera_black: "The camera shows only black. Open its cover or choose another one.",
    mic_slow: "The browser is still asking for the microphone. Allow it, then run the test again.",
    camera_slow: "The browser is still asking for the camera. Allow it, then run the test again.",
    no_token: "The chat server doesn’t answer. Check your connection, then run the test again.",
    socket_blocked:
      "A proxy or firewall blocks the video server, or it is down. Try another network. For the operator: LIVEKIT_URL has to be reachable from here.",
    socket_refused:
      "The video server refuses this server’s key. For the operator: check LIVEKIT_API_KEY and LIVEKIT_API_SECRET.",
    socket_insecure: "An https page can reach the video server only by wss. For the operator: check LIVEKIT_URL.",
    udp_tcp:
      "Calls work, but over TCP: quality may suffer. Ask your network’s administrator to allow UDP to the video server (port 7882 by default).",
    udp_relay:
      "Calls work, but through a relay: quality may suffer. Ask your network’s administrator to allow UDP to the video server (port 7882 by default).",
    tcp_udp:
      "Calls work over UDP. Where UDP is blocked they won’t. For the operator: open TCP port 7881 of the video server.",
    tcp_relay: "Calls work through the relay. For the operator: open TCP port 7881 of the video server.",
    media_none:
      "Sound and video don’t get through. Try another network, or ask your network’s administrator to allow UDP port 7882 and TCP port 7881 to the video server.",
    turn_absent:
      "This server has no TURN relay: people behind strict firewalls can’t connect. For the operator: docs/deployment.md.",
    turn_spare: "The relay doesn’t answer. Calls work without it here. For the operator: docs/deployment.md.",
    turn_failed: "The relay doesn’t answer either. For the operator: docs/deployment.md.",
  } satisfies Record<TestNote, string>,
  summaries: {
    running: "Testing…",
    works: "Everything works.",
    limited: "Calls work, with limits.",
    fails: "Calls don’t work here.",
    unknown: "Not everything was tested.",
  } satisfies Record<Summary, string>,
  again: "Run again",
  stop: "Stop",
  copy: "Copy the result",
  copied: "Copied",
  notCopied: "The browser doesn’t allow copying.",
};

export type ConnectionTestTexts = typeof en;

const ru: ConnectionTestTexts = {
  title: "Проверить связь",
  intro: "Проверяет микрофон, камеру и пути к видеосерверу. В комнате этого никто не заметит.",
  checks: {
    mic: "Микрофон",
    camera: "Камера",
    socket: "Видеосервер (WebSocket)",
    udp: "Звук и видео по UDP",
    tcp: "Звук и видео по TCP",
    turn: "Ретранслятор TURN",
  },
  states: {
    waiting: "Ожидает",
    running: "Проверяем…",
    passed: "Работает",
    limited: "Работает с ограничениями",
    failed: "Не работает",
    absent: "Нет на сервере",
    skipped: "Не проверено",
  },
  notes: {
    mic_silent: "С микрофона не слышно ничего. Включите его звук или выберите другой.",
    camera_black: "Камера показывает только чёрное. Откройте её шторку или выберите другую.",
    mic_slow: "Браузер всё ещё спрашивает о микрофоне. Разрешите его и запустите проверку снова.",
    camera_slow: "Браузер всё ещё спрашивает о камере. Разрешите её и запустите проверку снова.",
    no_token: "Сервер чата не отвечает. Проверьте интернет и запустите проверку снова.",
    socket_blocked:
      "Прокси или файрвол блокирует видеосервер, либо он выключен. Попробуйте другую сеть. Владельцу сервера: LIVEKIT_URL должен быть доступен отсюда.",
    socket_refused:
      "Видеосервер не принимает ключ этого сервера. Владельцу сервера: проверьте LIVEKIT_API_KEY и LIVEKIT_API_SECRET.",
    socket_insecure: "Со страницы https видеосервер доступен только по wss. Владельцу сервера: проверьте LIVEKIT_URL.",
    udp_tcp:
      "Звонки работают, но по TCP: качество может быть хуже. Попросите администратора сети разрешить UDP до видеосервера (обычно порт 7882).",
    udp_relay:
      "Звонки работают, но через ретранслятор: качество может быть хуже. Попросите администратора сети разрешить UDP до видеосервера (обычно порт 7882).",
    tcp_udp:
      "По UDP звонки работают. Там, где UDP закрыт, работать не будут. Владельцу сервера: откройте порт TCP 7881 видеосервера.",
    tcp_relay: "Звонки работают через ретранслятор. Владельцу сервера: откройте порт TCP 7881 видеосервера.",
    media_none:
      "Звук и видео не проходят. Попробуйте другую сеть или попросите администратора разрешить порты UDP 7882 и TCP 7881 до видеосервера.",
    turn_absent:
      "На этом сервере нет ретранслятора TURN: за строгим файрволом звонки не работают. Владельцу сервера: docs/deployment.md.",
    turn_spare: "Ретранслятор не отвечает. Здесь звонки работают и без него. Владельцу сервера: docs/deployment.md.",
    turn_failed: "Ретранслятор тоже не отвечает. Владельцу сервера: docs/deployment.md.",
  },
  summaries: {
    running: "Проверяем…",
    works: "Всё работает.",
    limited: "Звонки работают, но с ограничениями.",
    fails: "Звонки здесь не работают.",
    unknown: "Проверено не всё.",
  },
  again: "Проверить снова",
  stop: "Остановить",
  copy: "Скопировать результат",
  copied: "Скопировано",
  notCopied: "Браузер не разрешает копировать.",
};

export const CONNECTION_TEST: Readonly<Record<Language, ConnectionTestTexts>> = { en, ru };
