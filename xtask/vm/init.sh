#!/bin/busybox sh
# The first program of the small machine that `cargo xtask vm` boots: one real request between one real client and one
# real server, counted by `count`, whose answer goes to the serial console between two markers.
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin
mkdir -p /proc /sys /dev /tmp /www
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
echo
echo "kernel $(uname -r)"
echo "booted in $(cut -d ' ' -f 1 /proc/uptime) s"

end() {
  echo "coral-vm-log-begin"
  cat /tmp/count.err /tmp/curl.err 2>/dev/null
  echo "coral-vm-log-end"
  poweroff -f
}

echo hello >/www/hello
httpd -p 127.0.0.1:8080 -h /www || end

count --seconds 10 >/tmp/count.out 2>/tmp/count.err &
counter=$!
waited=0
until grep -q ready /tmp/count.err 2>/dev/null; do
  # In tenths of a second: software emulation is slow, a hang is slower.
  waited=$((waited + 1))
  if [ "$waited" -gt 600 ] || ! kill -0 "$counter" 2>/dev/null; then
    echo "count never said ready" >>/tmp/count.err
    end
  fi
  sleep 0.1
done

curl --silent --show-error http://127.0.0.1:8080/hello >/tmp/curl.out 2>/tmp/curl.err || echo "curl failed: $?" >>/tmp/curl.err
grep -q hello /tmp/curl.out || echo "curl did not get the file" >>/tmp/curl.err
wait "$counter" || echo "count ended with $?" >>/tmp/count.err

echo "coral-vm-result-begin"
cat /tmp/count.out
echo "coral-vm-result-end"
end
