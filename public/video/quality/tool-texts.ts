// The texts of what a call's menu opens, and of the hint at a weak connection.

import { i18n } from "../../i18n/i18n.svelte";
import type { Language } from "../../i18n/language";
import type { Saving } from "./data-saver.svelte";
import type { Rating } from "./quality";

const en = {
  test: "Test my connection",
  stats: "Statistics",
  saver: "Save data",

  weak: "Your connection is weak. Stop my video?",
  stopVideo: "Stop my video",
  keepVideo: "Keep it on",

  savings: {
    off: "Off",
    small: "Small pictures, both ways",
    sound: "Hide other people’s cameras",
  } satisfies Record<Saving, string>,
  camerasHidden: "You hide other people’s cameras: More, Save data.",
  saverHint: "For slow or metered connections. A shared screen stays sharp. This browser remembers your choice.",

  statsHint: "For bug reports. Contains no names, no addresses and nothing about the room.",
  waiting: "Measuring…",
  rows: {
    browser: "Browser",
    livekit: "LiveKit, client and server",
    encryption: "End-to-end encryption",
    transport: "Transport",
    rating: "Connection",
    roundTrip: "Round trip",
    sent: "Sent",
    received: "Received",
    sound: "Sound",
  },
  on: "on",
  off: "off",
  unknown: "unknown",
  relay: (protocol: string) => `relay (${protocol})`,
  ratings: {
    excellent: "excellent",
    good: "good",
    poor: "poor",
    lost: "lost",
    unknown: "unknown",
  } satisfies Record<Rating, string>,
  loss: (share: string) => `${share} lost`,
  tile: (number: number, what: string) => `Tile ${number}, ${what}`,
  myCamera: "my camera",
  myScreen: "my screen",
  camera: "camera",
  screen: "screen",
  noVideo: "no video",
  fps: (frames: string) => `${frames} fps`,
  rate: (kilobits: string) => `${kilobits} kbit/s`,
  milliseconds: (time: string) => `${time} ms`,
  copy: "Copy",
  copied: "Copied",
  notCopied: "The browser doesn’t allow copying.",
};

export type ToolTexts = typeof en;

const ru: ToolTexts = {
  test: "Проверить связь",
  stats: "Статистика",
  saver: "Экономить трафик",

  weak: "Связь слабая. Остановить ваше видео?",
  stopVideo: "Остановить видео",
  keepVideo: "Оставить",

  savings: {
    off: "Выключено",
    small: "Мелкая картинка в обе стороны",
    sound: "Не показывать чужие камеры",
  },
  camerasHidden: "Камеры других не показываются: «Ещё», «Экономить трафик».",
  saverHint: "Для медленного интернета или платного трафика. Показ экрана остаётся чётким. Браузер запомнит выбор.",

  statsHint: "Для сообщений об ошибках. Здесь нет ни имён, ни адресов, ни сведений о комнате.",
  waiting: "Измеряем…",
  rows: {
    browser: "Браузер",
    livekit: "LiveKit: клиент и сервер",
    encryption: "Сквозное шифрование",
    transport: "Транспорт",
    rating: "Связь",
    roundTrip: "Время отклика",
    sent: "Отправлено",
    received: "Получено",
    sound: "Звук",
  },
  on: "включено",
  off: "выключено",
  unknown: "неизвестно",
  relay: (protocol) => `ретранслятор (${protocol})`,
  ratings: {
    excellent: "отличная",
    good: "хорошая",
    poor: "слабая",
    lost: "потеряна",
    unknown: "неизвестно",
  },
  loss: (share) => `потеряно ${share}`,
  tile: (number, what) => `Плитка ${number}, ${what}`,
  myCamera: "моя камера",
  myScreen: "мой экран",
  camera: "камера",
  screen: "экран",
  noVideo: "нет видео",
  fps: (frames) => `${frames} кадр/с`,
  rate: (kilobits) => `${kilobits} кбит/с`,
  milliseconds: (time) => `${time} мс`,
  copy: "Скопировать",
  copied: "Скопировано",
  notCopied: "Браузер не разрешает копировать.",
};

const TOOLS: Readonly<Record<Language, ToolTexts>> = { en, ru };

export function toolTexts(): ToolTexts {
  return TOOLS[i18n.language];
}
