// The texts of the dialog for another name, and of the button that opens it.

import type { Language } from "./language";

const en = {
  title: "Change your name",
  label: "Your name in this room",
  hint: "Everyone here sees the change. What you wrote before keeps the old name.",
  save: "Save",
  failed: "The name hasn’t changed. Please try again.",
  errors: {
    bad_name: "This name can’t be used. Use 1–32 visible characters.",
    name_taken: "This name, or one that looks like it, belongs to an account. Choose another.",
    name_verified: "You’re here under the name of your account, and that stays.",
    rate_limited: "Too fast. Please try again in a moment.",
    unknown_type: "This server can’t change names yet.",
    unconfirmed: "There’s no connection right now. Please try again.",
  } as Record<string, string>,
};

const ru: typeof en = {
  title: "Изменить имя",
  label: "Ваше имя в этой комнате",
  hint: "Новое имя увидят все участники. Прежние сообщения останутся под старым именем.",
  save: "Сохранить",
  failed: "Имя не изменилось. Попробуйте ещё раз.",
  errors: {
    bad_name: "Это имя не подходит. Нужно от 1 до 32 видимых символов.",
    name_taken: "Это или похожее имя занято учётной записью. Выберите другое.",
    name_verified: "Вы вошли под именем своей учётной записи, здесь оно не меняется.",
    rate_limited: "Слишком часто. Попробуйте ещё раз чуть позже.",
    unknown_type: "На этом сервере имя пока нельзя изменить.",
    unconfirmed: "Сейчас нет связи. Попробуйте ещё раз.",
  },
};

export const RENAME: Record<Language, typeof en> = { en, ru };
