#!/bin/sh
# An unprivileged Rust toolchain for kernel programs on Debian 12, for machines without rustup's nightly: Debian's
# rustc-web with a prebuilt core for bpfel-unknown-none, and LLVM to build bpf-linker with. Nothing is installed; the
# packages are fetched by name and unpacked.
# usage: setup-bpf-toolchain.sh DIR      -> DIR/bin/rustc, DIR/llvm (a link to the unpacked LLVM)
set -eu
D=$(mkdir -p "$1" && cd "$1" && pwd)
if [ -e "$D/.ok" ]; then exit 0; fi
mkdir -p "$D/debs" "$D/root" "$D/bin"
cd "$D/debs"
# The library packages carry the version in their names (libstd-rust-web-1.96): ask apt which ones rustc-web wants.
V=$(apt-cache show rustc-web | sed -n 's/^Version: //p' | head -1)
if [ -z "$V" ]; then
  echo "apt does not know rustc-web; run: apt-get update (Debian 12 with its security packages)" >&2
  exit 1
fi
STD=$(apt-cache show "libstd-rust-web-dev=$V" | sed -n 's/^Depends: .*\(libstd-rust-web-[0-9.]*\) .*/\1/p' | head -1)
LLVM=$(apt-cache show "$STD=$V" | grep -o 'libllvm[0-9]*' | head -1)
N=${LLVM#libllvm}
apt-get -q download "rustc-web=$V" "libstd-rust-web-dev=$V" "libstd-rust-web-dev-bpf=$V" "$STD=$V" \
  "$LLVM" "llvm-$N" "llvm-$N-dev" "llvm-$N-runtime" "llvm-$N-linker-tools" "llvm-$N-tools" "libpolly-$N-dev" \
  zlib1g-dev libzstd-dev >/dev/null
for f in *.deb; do dpkg -x "$f" "$D/root"; done
L=$D/root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
# Shared libraries that a very small machine lacks.
missing=$(LD_LIBRARY_PATH=$L ldd "$D/root/usr/lib/llvm-$N/bin/opt" "$D/root/usr/bin/rustc" | awk '/not found/{print $1}' | sort -u)
if [ -n "$missing" ]; then
  apt-get -q download libz3-4 libedit2 libbsd0 libmd0 libxml2 libicu72 libffi8 >/dev/null
  for f in libz3* libedit2* libbsd0* libmd0* libxml2* libicu72* libffi8*; do dpkg -x "$f" "$D/root"; done
fi
cat > "$D/bin/rustc" <<W
#!/bin/sh
# Debian's rustc-web from its unpacked package, with the libraries that lie beside it.
LD_LIBRARY_PATH=$L\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH} exec $D/root/usr/bin/rustc "\$@"
W
chmod +x "$D/bin/rustc"
ln -sfn "root/usr/lib/llvm-$N" "$D/llvm"
ln -sfn "$L" "$D/lib"
cd "$D"
rm -rf "$D/debs"
"$D/bin/rustc" -vV >/dev/null
ls "$("$D/bin/rustc" --print target-libdir --target bpfel-unknown-none)"/libcore-*.rlib >/dev/null
touch "$D/.ok"
