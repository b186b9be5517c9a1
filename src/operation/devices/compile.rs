//! Kernels are compiled on a thread beside the device's: tasks whose kernels are there go on meanwhile. The thread begins with the first kernel
//! and ends with the device's.

use super::thread::Lent;
use super::{Devices, KernelText, Request};
use crate::base::{Error, Result};
use crate::device::{Device, Kernel, Module, Source};
use crate::event::NodeRef;
use crate::operation::Engine;
use std::collections::HashMap;
use std::sync::mpsc::{channel, Sender};
use std::time::Instant;

/// A text stays, at its address, as long as the task's kind.
type Text = &'static KernelText;

pub type Compilation = Result<(Module, Kernel)>;

/// A text's kernel, compiled when it is first asked for; a failure to compile is kept, too.
enum Known {
    /// For these tasks, which are ready otherwise.
    UnderWay(Text, Instant, Vec<NodeRef>),
    There(Compilation),
}

/// What a device's thread knows of kernels.
#[derive(Default)]
pub struct Kernels {
    known: HashMap<*const KernelText, Known>,
    /// How many are not there yet.
    under_way: usize,
    /// To the thread that compiles, once there is one.
    asks: Option<Sender<Text>>,
}

impl Kernels {
    /// Whether the kernel is there. If not, the task is kept until it is.
    pub fn are_there(&mut self, text: Text, node: NodeRef, engine: &Engine, device: usize) -> bool {
        match self.known.get_mut(&std::ptr::from_ref(text)) {
            Some(Known::There(_)) => return true,
            Some(Known::UnderWay(.., tasks)) => tasks.push(node),
            None => {
                let known = match self.ask(text, engine, device) {
                    Ok(()) => Known::UnderWay(text, Instant::now(), vec![node]),
                    Err(error) => Known::There(Err(error)),
                };
                let is_there = matches!(known, Known::There(_));
                self.known.insert(text, known);
                return is_there;
            }
        }
        false
    }

    fn ask(&mut self, text: Text, engine: &Engine, device: usize) -> Result<()> {
        if self.asks.is_none() {
            let (asks, asked) = channel::<Text>();
            let lent = Lent::of(engine);
            engine.scheduler.spawn("cohort-compile", move |_| {
                let devices: Option<&Devices> = lent.engine().devices.get();
                for text in asked {
                    let Some(attached) = devices.map(|devices| &devices.list[device]) else { return };
                    let compiled = compile(&*attached.device, text);
                    attached.send(Request::Compiled(text, Box::new(compiled)));
                }
            })?;
            self.asks = Some(asks);
        }
        self.under_way += 1;
        // The thread is there as long as this.
        self.asks.as_ref().map(|asks| asks.send(text));
        Ok(())
    }

    pub fn are_under_way(&self) -> bool {
        self.under_way > 0
    }

    /// The one that was asked for first, by its name.
    pub fn oldest_under_way(&self) -> Option<(&'static str, Instant)> {
        if !self.are_under_way() {
            return None;
        }
        let under_way = self.known.values().filter_map(|known| match known {
            Known::UnderWay(text, since, _) => Some((&*text.entry, *since)),
            Known::There(_) => None,
        });
        under_way.min_by_key(|(_, since)| *since)
    }

    /// The tasks that waited for the kernel.
    pub fn add(&mut self, text: Text, compiled: Compilation) -> Vec<NodeRef> {
        self.under_way -= 1;
        match self.known.insert(text, Known::There(compiled)) {
            Some(Known::UnderWay(.., tasks)) => tasks,
            _ => Vec::new(),
        }
    }

    /// The kernel of a text for which `are_there` held.
    pub fn get(&self, text: &KernelText) -> Result<Kernel> {
        match self.known.get(&std::ptr::from_ref(text)) {
            Some(Known::There(Ok((_, kernel)))) => Ok(kernel.clone()),
            Some(Known::There(Err(error))) => Err(Error::new(error.status, error.text.clone())),
            _ => crate::fail!(Internal, "a kernel that was not compiled"),
        }
    }
}

fn compile(device: &dyn Device, text: &KernelText) -> Compilation {
    let source = Source { text: text.text.to_string(), file: text.file.to_string(), options: text.options.to_string() };
    let module = device.compile(&source)?;
    device.kernel(&module, &text.entry).map(|kernel| (module, kernel))
}
