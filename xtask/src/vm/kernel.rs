//! Debian's cloud kernel of one version, from its package in the cache; fetched by name when it is not there.

use crate::failure::{Failure, Trying as _};
use crate::{house, program};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages that depend on the newest image: of this version, and of the release.
fn metas(version: &str) -> [String; 2] {
    [
        format!("linux-image-{version}-cloud-amd64"),
        "linux-image-cloud-amd64".to_owned(),
    ]
}

/// The kernel's file.
pub fn find(version: &str) -> Result<PathBuf, Failure> {
    let cache = house::cache("kernels")?;
    let package = match newest(&cache, version)? {
        Some(package) => package,
        None => {
            fetch(&cache, version)?;
            newest(&cache, version)?
                .ok_or_else(|| Failure::new(format!("apt fetched no kernel {version}")))?
        }
    };
    let folder = package.with_extension("");
    if let Some(kernel) = unpacked(&folder) {
        return Ok(kernel);
    }
    program::run(Command::new("dpkg").arg("-x").arg(&package).arg(&folder))?;
    unpacked(&folder).ok_or_else(|| Failure::new(format!("no kernel in {}", package.display())))
}

/// The package with the highest name; revisions of one release have the same number of digits.
fn newest(cache: &Path, version: &str) -> Result<Option<PathBuf>, Failure> {
    let prefix = format!("linux-image-{version}.");
    let mut packages: Vec<_> = fs::read_dir(cache)
        .trying(format!("read {}", cache.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&prefix) && name.ends_with(".deb")
        })
        .collect();
    packages.sort();
    Ok(packages.pop())
}

fn unpacked(folder: &Path) -> Option<PathBuf> {
    fs::read_dir(folder.join("boot"))
        .ok()?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-"))
        })
}

fn fetch(cache: &Path, version: &str) -> Result<(), Failure> {
    let update = "run: apt-get update (Debian 12)";
    // apt-cache fails for a package that it does not know; the other one may do.
    let printed = metas(version).map(|meta| {
        program::output(Command::new("apt-cache").args(["depends", &meta])).unwrap_or_default()
    });
    let name = printed.iter().find_map(|text| dependency(text, version));
    let name = name.ok_or_else(|| {
        Failure::new(format!("apt knows no kernel {version} here; {update}")).hint(format!(
            "put a Debian package linux-image-{version}.*-cloud-amd64 into {}",
            cache.display()
        ))
    })?;
    eprintln!("  apt-get download {name}");
    let mut apt = Command::new("apt-get");
    program::output(apt.args(["-q", "download", name]).current_dir(cache))
        .map_err(|failure| failure.hint(update))?;
    Ok(())
}

/// The image that the meta package depends on.
fn dependency<'a>(printed: &'a str, version: &str) -> Option<&'a str> {
    let prefix = format!("linux-image-{version}.");
    printed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with(&prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_image_behind_the_meta_package() {
        let printed =
            "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n  Suggests: x\n";
        assert_eq!(
            dependency(printed, "6.1"),
            Some("linux-image-6.1.0-56-cloud-amd64")
        );
        assert_eq!(dependency(printed, "6.12"), None);
        let printed = "  Depends: linux-image-6.12.107+deb12-cloud-amd64\n";
        let name = Some("linux-image-6.12.107+deb12-cloud-amd64");
        assert_eq!(dependency(printed, "6.12"), name);
    }
}
