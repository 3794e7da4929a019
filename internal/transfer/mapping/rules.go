package mapping

import "registrar/internal/transfer"

// Choice is a rule with what can be done about it.
type Choice struct {
	Rule    transfer.Rule
	Actions []transfer.Action // the first is the default
}

// Choices are the rules that a mapping file can decide. All others refuse.
func Choices() []Choice {
	return []Choice{
		{transfer.UsernameMissing, []transfer.Action{transfer.Refuse, transfer.ExternalID}},
		{transfer.UsernameInvalid, []transfer.Action{transfer.Refuse, transfer.ExternalID}},
		{transfer.UsernameTaken, []transfer.Action{transfer.Refuse, transfer.ExternalID}},
		{transfer.EmailMissing, []transfer.Action{transfer.Keep, transfer.Refuse}},
		{transfer.EmailInvalid, []transfer.Action{transfer.Refuse, transfer.Drop}},
		{transfer.EmailTaken, []transfer.Action{transfer.Refuse, transfer.Drop}},
		{transfer.NameTooLong, []transfer.Action{transfer.Truncate, transfer.Refuse}},
		{transfer.NameInvalid, []transfer.Action{transfer.Refuse, transfer.Drop}},
		{transfer.MobileInvalid, []transfer.Action{transfer.Drop, transfer.Refuse}},
		{transfer.LocaleInvalid, []transfer.Action{transfer.Default, transfer.Refuse}},
		{transfer.PasswordMissing, []transfer.Action{transfer.NoPassword, transfer.Refuse}},
		{transfer.PasswordUnusable, []transfer.Action{transfer.Refuse, transfer.NoPassword}},
	}
}

// parseRules reads what the file decides, over the defaults.
func parseRules(n node, given bool) map[transfer.Rule]transfer.Action {
	rules := map[transfer.Rule]transfer.Action{}
	var names []string
	for _, c := range Choices() {
		rules[c.Rule] = c.Actions[0]
		names = append(names, string(c.Rule))
	}
	if !given {
		return rules
	}
	found := n.entries(names...)
	for _, c := range Choices() {
		if chosen, ok := found[string(c.Rule)]; ok {
			var actions []string
			for _, a := range c.Actions {
				actions = append(actions, string(a))
			}
			if action, ok := chosen.one(actions...); ok {
				rules[c.Rule] = transfer.Action(action)
			}
		}
	}
	return rules
}

// finding is a rule that applies to a row, with what this mapping does about it.
func (m *Mapping) finding(rule transfer.Rule, field, why string) transfer.Finding {
	action, decided := m.Rules[rule]
	if !decided {
		action = transfer.Refuse
	}
	return transfer.Finding{Rule: rule, Action: action, Field: field, Why: why}
}
