// The texts of the effects, in the call's chunk.

import type { Language } from "../i18n/language";

const en = {
  blur: "Blur my background",
  blurHint: "What others see in the call. Needs a fast device; 3 MB are loaded once, from this server.",
  noise: "Suppress noise",
  noiseHint: "Takes out fans, keyboards and the street, beyond what the browser does by itself.",
  starting: "Starting…",
  failed: {
    blur: "The background can’t be blurred: this device is too slow for it, or the connection is bad.",
    noise: "Noise can’t be suppressed right now. Check your connection and try again.",
  },
  unsupported: {
    blur: "This browser can’t blur the background.",
    noise: "This browser can’t suppress noise.",
  },
};

const ru: typeof en = {
  blur: "Размыть фон",
  blurHint: "Так вас увидят в звонке. Нужно быстрое устройство; 3 МБ загрузятся один раз, с этого сервера.",
  noise: "Подавлять шум",
  noiseHint: "Убирает вентилятор, клавиатуру и улицу — сверх того, что браузер делает сам.",
  starting: "Включаем…",
  failed: {
    blur: "Не удаётся размыть фон: устройство для этого слишком медленное, или плохая связь.",
    noise: "Сейчас не удаётся подавить шум. Проверьте соединение и попробуйте ещё раз.",
  },
  unsupported: {
    blur: "Этот браузер не умеет размывать фон.",
    noise: "Этот браузер не умеет подавлять шум.",
  },
};

export const EFFECT_TEXTS: Readonly<Record<Language, typeof en>> = { en, ru };
