import { beforeEach, expect, it, vi } from "vitest";
import { SignInForm } from "../src/sign-in-form";

const events = { submit: vi.fn(), resetPassword: vi.fn(), modeChanged: vi.fn() };
let form: SignInForm;

const field = (id: string) => form.element.querySelector(`#${id}`) as HTMLInputElement;
const error = () => form.element.querySelector("[role=alert]")?.textContent;
const button = (text: string) =>
  [...form.element.querySelectorAll("button")].find((each) => each.textContent === text) as HTMLButtonElement;

function enter(email: string, password: string): void {
  field("email").value = email;
  field("password").value = password;
  form.element.dispatchEvent(new Event("submit", { cancelable: true }));
}

beforeEach(() => {
  vi.clearAllMocks();
  form = new SignInForm(events);
  document.body.replaceChildren(form.element);
});

it("submits the email without spaces, and the password as it is", () => {
  enter(" ada@example.com ", " secret ");

  expect(events.submit).toHaveBeenCalledWith({ email: "ada@example.com", password: " secret ", isNew: false });
});

it("asks for what is missing, and moves there", () => {
  enter("", "secret");
  expect(error()).toBe("Enter your email.");
  expect(document.activeElement).toBe(field("email"));

  enter("ada@example.com", "");
  expect(error()).toBe("Enter your password.");
  expect(document.activeElement).toBe(field("password"));
  expect(field("email").ariaInvalid).not.toBe("true");
  expect(events.submit).not.toHaveBeenCalled();
});

it("marks the fields that an error is about, until the next attempt", () => {
  form.fail("Incorrect email or password.", ["password", "email"]);
  for (const id of ["email", "password"]) {
    expect(field(id).ariaInvalid).toBe("true");
    expect(field(id).getAttribute("aria-describedby")).toBe("sign-in-error");
  }
  expect(document.activeElement).toBe(field("password"));

  enter("ada@example.com", "secret");

  expect(error()).toBe("");
  expect(field("password").ariaInvalid).not.toBe("true");
  expect(field("password").hasAttribute("aria-describedby")).toBe(false);
});

it("describes a new password by its rule as well", () => {
  button("New here? Create an account").click();
  form.fail("Use at least 8 characters for your password.", ["password"]);

  expect(field("password").getAttribute("aria-describedby")).toBe("sign-in-error password-hint");
  expect(field("password").autocomplete).toBe("new-password");
  enter("ada@example.com", "secret");
  expect(events.submit).toHaveBeenCalledWith({ email: "ada@example.com", password: "secret", isNew: true });
  expect(events.modeChanged).toHaveBeenCalledWith(true);
});

it("needs an email to reset a password", () => {
  button("Forgot your password?").click();
  expect(error()).toBe("Enter your email.");

  field("email").value = "ada@example.com";
  button("Forgot your password?").click();

  expect(events.resetPassword).toHaveBeenCalledWith("ada@example.com");
  expect(error()).toBe("");
});
