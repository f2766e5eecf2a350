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

/*
 * A name with a slash behind it is a directory, and everything below it is meant. .git as a file
 * names another directory to take the configuration from (gitrepository-layout(5)); HEAD is what
 * makes a directory without that name a repository, which git then obeys all the same.
 */
static const struct {
	const char *name;
	const char *reason;
} table[] = {
	{".config/git/", GIT},
	{".git", GIT},
	{".git/commondir", GIT},
	{".git/config", GIT},
	{".git/config.worktree", GIT},
	{".git/hooks/", GIT},
	{".git/info/attributes", GIT},
	{".git/modules/", GIT},
	{".git/worktrees/", GIT},
	{".gitattributes", GIT},
	{".gitconfig", GIT},
	{".githooks/", GIT},
	{".gitmodules", GIT},
	{".hg/hgrc", GIT},
	{".husky/", GIT},
	{".lefthook.yaml", GIT},
	{".lefthook.yml", GIT},
	{".overcommit.yml", GIT},
	{".pre-commit-config.yaml", GIT},
	{"HEAD", GIT},
	{"lefthook.yaml", GIT},
	{"lefthook.yml", GIT},
	{".bash_aliases", SHELL},
	{".bash_login", SHELL},
	{".bash_logout", SHELL},
	{".bash_profile", SHELL},
	{".bashrc", SHELL},
	{".config/environment.d/", SHELL},
	{".config/fish/", SHELL},
	{".cshrc", SHELL},
	{".env", SHELL},
	{".envrc", SHELL},
	{".inputrc", SHELL},
	{".kshrc", SHELL},
	{".login", SHELL},
	{".mise.toml", SHELL},
	{".profile", SHELL},
	{".tcshrc", SHELL},
	{".zlogin", SHELL},
	{".zlogout", SHELL},
	{".zprofile", SHELL},
	{".zshenv", SHELL},
	{".zshrc", SHELL},
	{"mise.toml", SHELL},
	{".appveyor.yml", CI},
	{".azure-pipelines/", CI},
	{".buildkite/", CI},
	{".circleci/", CI},
	{".cirrus.yml", CI},
	{".drone.yml", CI},
	{".github/actions/", CI},
	{".github/workflows/", CI},
	{".gitlab-ci.yml", CI},
	{".semaphore/", CI},
	{".tekton/", CI},
	{".travis.yml", CI},
	{".woodpecker.yml", CI},
	{".woodpecker/", CI},
	{"Jenkinsfile", CI},
	{"action.yaml", CI},
	{"action.yml", CI},
	{"appveyor.yml", CI},
	{"azure-pipelines.yml", CI},
	{"bitbucket-pipelines.yml", CI},
	{"buildspec.yml", CI},
	{"cloudbuild.yaml", CI},
	{".config/nvim/", EDITOR},
	{".cursor/", EDITOR},
	{".devcontainer/", EDITOR},
	{".dir-locals.el", EDITOR},
	{".emacs", EDITOR},
	{".emacs.d/", EDITOR},
	{".exrc", EDITOR},
	{".idea/", EDITOR},
	{".lvimrc", EDITOR},
	{".mcp.json", EDITOR},
	{".nvim.lua", EDITOR},
	{".nvimrc", EDITOR},
	{".vim/", EDITOR},
	{".vimrc", EDITOR},
	{".vscode/", EDITOR},
	{".zed/", EDITOR},
	{".config/autostart/", LOGIN},
	{".config/systemd/", LOGIN},
	{".forward", LOGIN},
	{".gnupg/", LOGIN},
	{".k5login", LOGIN},
	{".local/bin/", LOGIN},
	{".local/share/applications/", LOGIN},
	{".local/share/systemd/", LOGIN},
	{".netrc", LOGIN},
	{".pam_environment", LOGIN},
	{".rhosts", LOGIN},
	{".shosts", LOGIN},
	{".ssh/", LOGIN},
	{".xinitrc", LOGIN},
	{".xprofile", LOGIN},
	{".xserverrc", LOGIN},
	{".xsession", LOGIN},
	{".xsessionrc", LOGIN},
	{".Renviron", TOOL},
	{".Rprofile", TOOL},
	{".aws/config", TOOL},
	{".bazelrc", TOOL},
	{".cargo/config", TOOL},
	{".cargo/config.toml", TOOL},
	{".config/pip/", TOOL},
	{".curlrc", TOOL},
	{".docker/config.json", TOOL},
	{".gdbinit", TOOL},
	{".ghci", TOOL},
	{".irbrc", TOOL},
	{".kube/config", TOOL},
	{".lldbinit", TOOL},
	{".mvn/", TOOL},
	{".my.cnf", TOOL},
	{".npmrc", TOOL},
	{".pdbrc", TOOL},
	{".perldb", TOOL},
	{".pnpmfile.cjs", TOOL},
	{".pryrc", TOOL},
	{".psqlrc", TOOL},
	{".pypirc", TOOL},
	{".sqliterc", TOOL},
	{".tmux.conf", TOOL},
	{".wgetrc", TOOL},
	{".yarn/", TOOL},
	{".yarnrc", TOOL},
	{".yarnrc.yml", TOOL},
	{"pip.conf", TOOL},
	{"rust-toolchain", TOOL},
	{"rust-toolchain.toml", TOOL},
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
