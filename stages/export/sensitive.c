/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/export/sensitive.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define GIT    "git runs or obeys it"
#define SHELL  "a shell runs it when it starts or changes directory"
#define CI     "a CI service runs what it says"
#define EDITOR "an editor obeys it when the directory is opened"
#define LOGIN  "the system runs or trusts it for its user"
#define TOOL   "a language or package tool obeys it unasked"

/* A name with a slash behind it is a directory, and everything below it is meant. */
static const struct {
	const char *name;
	const char *reason;
} table[] = {
	{".git/hooks/", GIT},
	{".git/config", GIT},
	{".git/config.worktree", GIT},
	{".git/info/attributes", GIT},
	{".git/modules/", GIT},
	{".gitattributes", GIT},
	{".gitconfig", GIT},
	{".gitmodules", GIT},
	{".githooks/", GIT},
	{".husky/", GIT},
	{".pre-commit-config.yaml", GIT},
	{"lefthook.yml", GIT},
	{".bash_aliases", SHELL},
	{".bash_login", SHELL},
	{".bash_logout", SHELL},
	{".bash_profile", SHELL},
	{".bashrc", SHELL},
	{".config/fish/", SHELL},
	{".cshrc", SHELL},
	{".env", SHELL},
	{".envrc", SHELL},
	{".inputrc", SHELL},
	{".kshrc", SHELL},
	{".login", SHELL},
	{".profile", SHELL},
	{".tcshrc", SHELL},
	{".zlogin", SHELL},
	{".zlogout", SHELL},
	{".zprofile", SHELL},
	{".zshenv", SHELL},
	{".zshrc", SHELL},
	{".buildkite/", CI},
	{".circleci/", CI},
	{".drone.yml", CI},
	{".github/actions/", CI},
	{".github/workflows/", CI},
	{".gitlab-ci.yml", CI},
	{".travis.yml", CI},
	{".woodpecker/", CI},
	{".woodpecker.yml", CI},
	{"azure-pipelines.yml", CI},
	{"bitbucket-pipelines.yml", CI},
	{"Jenkinsfile", CI},
	{".devcontainer/", EDITOR},
	{".dir-locals.el", EDITOR},
	{".emacs", EDITOR},
	{".exrc", EDITOR},
	{".idea/", EDITOR},
	{".nvimrc", EDITOR},
	{".vimrc", EDITOR},
	{".vscode/", EDITOR},
	{".config/autostart/", LOGIN},
	{".config/systemd/", LOGIN},
	{".pam_environment", LOGIN},
	{".ssh/", LOGIN},
	{".xinitrc", LOGIN},
	{".xprofile", LOGIN},
	{".xsession", LOGIN},
	{".cargo/config.toml", TOOL},
	{".npmrc", TOOL},
	{".pypirc", TOOL},
	{".yarnrc", TOOL},
	{".yarnrc.yml", TOOL},
	{"sitecustomize.py", TOOL},
	{"usercustomize.py", TOOL},
};

/* Whether name begins path and ends with a component of it. */
static bool matches(const char *path, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(path, name, len) != 0)
		return false;
	return name[len - 1] == '/' || path[len] == '\0';
}

const char *sensitive_reason(const char *path)
{
	for (;;) {
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
			if (matches(path, table[i].name))
				return table[i].reason;
		path = strchr(path, '/');
		if (path == NULL)
			return NULL;
		path++;
	}
}
